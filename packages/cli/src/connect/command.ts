// `gripgate connect` among the other verbs: its flags, what --help says, and its run where the launcher has not taken it.
import { APP_NAME } from "@gripgate/policy/file/app-name"
import * as Argument from "effect/cli/Argument"
import type * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { Failure, usageError } from "../failure.ts"
import { value } from "../flags.ts"
import { quoted } from "../usage.ts"
import type { ConnectOptions } from "./connect.ts"

const run = Effect.fnUntraced(function*(
  options: ConnectOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  if (!APP_NAME.test(options.app)) return yield* usageError("connect", `${quoted(options.app)} is no name for an app`)
  if (options.socket === "") return yield* usageError("connect", "--socket needs a value")
  const { connect } = yield* Effect.promise(() => import("./connect.ts"))
  const { code, hint, message } = yield* Effect.promise(() => connect(options))
  if (code === exitCode.ok) return
  return yield* new Failure({ code, complaints: message === undefined ? [] : [{ message, hint }] })
})

export const connect = Command.make("connect", {
  app: Argument.String("APP").pipe(Argument.withDescription("the app of the policy that the client is")),
  socket: value("socket", "SOCKET", "the gate's socket for this, if it is not at its standard place")
}, run).pipe(
  Command.withShortDescription("bring a client of another machine to the gate"),
  Command.withDescription(
    "Copies standard input and output to and from a running gate, as this app: for a forced command of OpenSSH, for a qrexec service, "
      + "and wherever else whoever starts it says which client comes. It runs as the user of the gate. What sshd or qrexec says of the "
      + "far side goes along, as facts that a `match` can name: `via`, `remote` and `qube`.\n\nThe exit code is 69 where no gate "
      + "answers."
  ),
  Command.withExamples([
    {
      command: "restrict,command=\"gripgate connect build\" ssh-ed25519 AAAA...",
      description: "In authorized_keys, so that whoever has this key is the app `build` and nothing else:"
    }
  ])
)
