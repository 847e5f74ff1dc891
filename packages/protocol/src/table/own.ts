// The gate's own command, GRIPGATE, by which an app asks about itself and for a token. No agent has it, and none is sent it.
import type { CommandSpec } from "../grammar/command.ts"
import { keygrip, number, pattern, word } from "../grammar/field.ts"
import { arg, command, flag, repeated, valued } from "./define.ts"

const operation = "(?:sign|certify|authenticate|decrypt|loopback)"
const operations = pattern("OPERATION,...", new RegExp(`^${operation}(?:,${operation}){0,4}$`))
/** As in the policy, without blanks: `15m`, `90d`. */
const duration = pattern("DURATION", /^[1-9][0-9]{0,8}(?:ms|s|m|h|d|w)$/)
const rate = pattern("COUNT/TIME", /^[1-9][0-9]{0,6}\/[0-9a-z]{1,12}$/)

/** The words of GRIPGATE. */
export const gripgateCommands: ReadonlyArray<CommandSpec> = [
  command("WHOAMI", "gate", "tells who the client is to the gate, what it may do, and what it has presented", {
    args: [{ ...repeated(keygrip), optional: true }],
    status: ["APP", "RECOGNISED", "MAY", "KEY", "GRANT"]
  }),
  command("REQUEST", "gate", "asks the owner for a grant, and hands out its token", {
    options: [
      valued("--operations", operations),
      valued("--for", duration),
      valued("--uses", number("COUNT")),
      valued("--limit", rate),
      flag("--no-seal")
    ],
    args: [repeated(word("KEY", 255))],
    status: ["GRANT"],
    secretData: true
  }),
  command("RETURN", "gate", "gives a grant of this app back: it is revoked", { args: [arg(word("ID", 64))] })
]

export const ownCommands: ReadonlyArray<CommandSpec> = [
  command("GRIPGATE", "gate", "a word for the gate itself; those words are further down")
]
