// Commands that put a client's own words before the owner, with these words framed by the gate's.
import { type Command, has } from "@gripgate/protocol/grammar/command"
import type { Value } from "@gripgate/protocol/grammar/field"
import { MAX_LINE_OUT } from "@gripgate/protocol/limits"
import { writeRequest } from "@gripgate/protocol/request"
import type { Subject } from "../../shown/subject.ts"
import { framedError, framedText } from "./text.ts"

/** What stands for a text that is not given; as the prompt it means the agent's own, "Passphrase:". */
const NONE = Buffer.from("X")

/** The agent takes 50 bytes (GnuPG agent/command.c cmd_get_passphrase); the gate may yet put another id in the place. */
const MAX_CACHE_ID = 50

const bytesOf = (value: Value | undefined): Buffer =>
  value === undefined ? NONE : typeof value === "string" ? Buffer.from(value, "latin1") : value

/** GET_PASSPHRASE and GET_CONFIRMATION as they may be sent for this client; every other command is left as it is. */
export const marked = (command: Command, subject: Subject): Command => {
  switch (command.spec.name) {
    case "GET_CONFIRMATION":
      return withText({ ...command, args: [NONE] }, bytesOf(command.args[0]), subject, 0)
    case "GET_PASSPHRASE": {
      // it shows nothing
      if (has(command, "--no-ask")) return command
      const [cacheId = NONE, error, , description] = command.args
      const args = [cacheId, framedError(subject, bytesOf(error)), NONE, NONE]
      return withText({ ...command, args }, bytesOf(description), subject, MAX_CACHE_ID - bytesOf(cacheId).length)
    }
    default:
      return command
  }
}

/** Puts a framed text in the place of the last argument, as long as the line has room for, `kept` bytes apart. */
const withText = (command: Command, said: Buffer, subject: Subject, kept: number): Command => {
  const used = writeRequest(command)?.length ?? MAX_LINE_OUT
  // the LF does not count, and the word in the text's place goes
  const room = MAX_LINE_OUT + 1 - used + NONE.length - kept
  return { ...command, args: [...command.args.slice(0, -1), framedText(subject, said, room)] }
}
