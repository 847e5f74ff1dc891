// The verb that gives a command a throw-away world of keys, agent, gate and pinentry, with its flags and what --help says.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { later, toggle, value } from "./flags.ts"

export const testkit = Command.make("testkit", {
  command: Argument.String("COMMAND").pipe(
    Argument.withDescription("behind `--`, the command and its arguments"),
    Argument.atLeast(1)
  ),
  key: Flag.String("key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription(
      "alice, bob (whose passphrase is abc) or release (RSA); a new one by a user id with an @; a file with a secret key; "
        + "may be repeated, and is alice where it is left out"
    ),
    Flag.atLeast(0)
  ),
  passphraseFd: Flag.Int("passphrase-fd").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("protect new keys with the first line of this file descriptor"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  pinentry: value("pinentry", "SCRIPT", "a JSON file: what the person at the pinentry does; he cancels without one"),
  agentFaults: value("agent-faults", "SCRIPT", "a JSON file: what the agent does wrong"),
  policy: value("policy", "FILE", "the gate's policy; it allows everything without one"),
  app: value("app", "NAME", "the app of the policy that the command is; anyone where it is left out"),
  transcript: value("transcript", "FILE", "write the whole dialogue there when the command has ended"),
  json: toggle("json", "write the transcript as JSON")
}, (options) => later(() => import("./verbs/testkit/testkit.ts"), ({ testkit }) => testkit(options))).pipe(
  Command.withShortDescription("run the tests of another program"),
  Command.withDescription(
    "Runs a command with a GNUPGHOME of its own: throw-away keys in a real agent behind a gate, a pinentry that answers from a "
      + "script, an agent that goes wrong by a script. GRIPGATE_TESTKIT_TRANSCRIPT names a file with every line of the dialogues so "
      + "far, and GRIPGATE_TESTKIT_CONTROL a folder whose files change the scripts while it runs. When the command has ended, so has "
      + "everything else, and nothing is left but the transcript.\n\nThe exit code is that of the command, 128 and the number of the "
      + "signal that ended it, 127 where it is not found, and 126 where it cannot be started."
  ),
  Command.withExamples([
    { command: "gripgate testkit -- python3 -m unittest" },
    {
      command: "gripgate testkit --key bob --pinentry answers.json -- make check",
      description: "With a key that has a passphrase, and answers at the pinentry:"
    }
  ])
)
