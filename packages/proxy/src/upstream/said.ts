// What an agent said at the end of a command, and what it is told before one.
import { writeOption } from "@gripgate/protocol/request"

/** The code of an `ERR` line, without its source; 0 for any other line. */
export const errorCodeOf = (line: Buffer): number =>
  Number(/^ERR (\d{1,10})/.exec(line.toString("latin1", 0, 32))?.[1] ?? 0) & 0xffff

/** Has the agent ask over this connection for passphrases. */
export const LOOPBACK_MODE: Buffer = writeOption("pinentry-mode", Buffer.from("loopback"))
