// The line that `gripgate connect` sends before the client's first byte: which app it was told to be, and what its transport says of
// the far side. Its border: both ends of it, the one that writes and the one that reads, and nothing that opens a socket. No
// Effect here, since `gripgate connect` starts once for every client.
import { type ClientFacts, type Transport, transports } from "@gripgate/policy/client/facts"
import { APP_NAME } from "@gripgate/policy/file/app-name"

/** What a transport says of its client. */
export type FarClient = Pick<ClientFacts, "named" | "qube" | "remote"> & { readonly via: Transport }

/** Bytes of a descriptor at most, with what ends it. */
export const MAX_DESCRIPTOR = 4096

/** A name of Qubes OS (qubes/vm/__init__.py, validate_name): a letter, then letters, digits, `_`, `-` and `.`; 31 at most. */
export const QUBE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,30}$/

/** `192.0.2.7`, `fe80::1%eth0`, `SHA256:...@192.0.2.7`: printable, no blanks; at most 256. */
export const REMOTE = /^[!-~]{1,256}$/

const VERSION = 1

/** The line for a client, LF included. */
export const writeConnect = ({ named, qube, remote, via }: FarClient & { readonly named: string }): string =>
  `${JSON.stringify({ v: VERSION, app: named, via, remote, qube })}\n`

/**
 * The client of a line (without its LF), or a sentence that says why it is none. Only what `writeConnect` itself would write is
 * taken, byte for byte: no second spelling, no name twice, no word that this version does not know.
 */
export const parseConnect = (line: Buffer): FarClient | string => {
  let value: unknown
  try {
    value = JSON.parse(line.toString("utf8"))
  } catch {
    return "the descriptor is no JSON"
  }
  if (typeof value !== "object" || value === null) return "the descriptor is no object"
  const { app, qube, remote, v, via: word } = value as Record<string, unknown>
  if (v !== VERSION) return "the descriptor has another version than this gate: gripgate connect is of another release"
  const via = transports.find((each) => each === word)
  if (via === undefined) return "the descriptor names no transport"
  if (typeof app !== "string" || !APP_NAME.test(app)) return "the descriptor names no app"
  if (!isAbsentOr(REMOTE, remote) || (remote !== undefined && via !== "ssh")) return "the descriptor has no such remote"
  if (!isAbsentOr(QUBE_NAME, qube) || (qube !== undefined) !== (via === "qrexec")) {
    return "the descriptor has no such qube"
  }
  const client = { named: app, via, ...remote !== undefined && { remote }, ...qube !== undefined && { qube } }
  return line.equals(Buffer.from(writeConnect(client)).subarray(0, -1)) ? client : "the descriptor is spelled otherwise"
}

const isAbsentOr = (pattern: RegExp, value: unknown): value is string | undefined =>
  value === undefined || (typeof value === "string" && pattern.test(value))
