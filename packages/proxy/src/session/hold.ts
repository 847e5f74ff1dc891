// Commands that only set state. They are checked here in full, kept, and travel with the command that uses them; one
// that fails forgets what it would have replaced, for the agent keeps the old value and would use that.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has } from "@gripgate/protocol/grammar/command"
import { asKeygrip } from "@gripgate/protocol/grammar/field"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import type { SessionState } from "./state.ts"

/** Algorithms that every libgcrypt has: the agent takes them without a question (GnuPG agent/command.c cmd_sethash). */
const plainAlgorithms: ReadonlySet<string> = new Set(["2", "3", "8", "9", "10", "11"])

/** Forgets what a setter would have set. */
export const forgetFor = (state: SessionState, name: string): void => {
  if (name === "SIGKEY" || name === "SETKEY") state.key = state.another = undefined
  else if (name === "SETHASH") state.hash = undefined
  else if (name === "SETKEYDESC") state.keydesc = undefined
}

/**
 * Takes a setter into the state and returns the reply; `undefined` where only the agent can tell whether it will do:
 * digests of rare algorithms, and data to sign that is asked for.
 */
export const hold = (state: SessionState, command: Command): Buffer | undefined => {
  const line = writeRequest(command)
  const { name } = command.spec
  if (line === undefined) {
    forgetFor(state, name)
    return errLine(gpgError.ASS_LINE_TOO_LONG)
  }
  switch (name) {
    case "SIGKEY":
    case "SETKEY": {
      const chosen = { keygrip: asKeygrip(command.args[0]!), line }
      if (has(command, "--another")) state.another = chosen
      else state.key = chosen
      return OK_LINE
    }
    case "SETKEYDESC":
      state.keydesc = line
      return OK_LINE
    default: {
      state.hash = undefined
      const algorithm = command.args[0]
      if (has(command, "--inquire")) return undefined
      if (!has(command, "--hash") && !(typeof algorithm === "string" && plainAlgorithms.has(algorithm))) {
        return undefined
      }
      state.hash = line
      return OK_LINE
    }
  }
}
