// `gripgate doctor` with its flags and what --help says about it.
import * as Command from "effect/cli/Command"
import { control, json, later, toggle, value } from "./flags.ts"

const doctor = Command.make("doctor", {
  app: value(
    "app",
    "APP",
    "the client's side alone: would gpg, run as here, reach the gate as this app, and what is around it?"
  ),
  homedir: value(
    "homedir",
    "DIR",
    "the owner's GnuPG homedir; else the one that gpg, a client homedir or the policy names"
  ),
  policy: value("policy", "FILE", "the policy; else the one at its standard place"),
  state: value("state", "DIR", "the gate's state directory, if it is not at its standard place"),
  control,
  verbose: toggle("verbose", "list everything that is as it should be, too"),
  json
}, (options) => later(() => import("./verbs/doctor.ts"), ({ doctor }) => doctor(options))).pipe(
  Command.withShortDescription("say what is wrong, what is weak, and what mends it"),
  Command.withDescription(
    "Looks at what is installed, what listens, who answers, who may read and write what, and how the gate could be gone around by "
      + "whoever runs this, and says of each thing that is not as it should be which command mends it. It starts nothing and changes "
      + "nothing.\n\nA finding is `wrong` (it does not work, or does not hold), a `danger` (a way around the gate that this set-up "
      + "cannot close), or a `note`. The exit code is 1 where something is wrong, and 0 otherwise."
  ),
  Command.withExamples([
    { command: "gripgate doctor" },
    { command: "gripgate run mail -- gripgate doctor --app mail", description: "What a program in a sandbox can do:" }
  ])
)

export const doctorCommands = [doctor] as const
