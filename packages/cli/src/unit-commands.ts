// The verbs that make a gate a service of systemd, with their flags and what --help says about them.
import * as Command from "effect/cli/Command"
import { json, later, toggle, value } from "./flags.ts"

const whose = {
  user: toggle("user", "for your own systemd: a gate before your own agent"),
  system: toggle("system", "for the system: keys and gate belong to an account of their own, and apps to others"),
  root: value("root", "DIR", "write below DIR, as for an image or a package, and run nothing"),
  yes: toggle("yes", "do not ask"),
  dryRun: toggle("dry-run", "show it, and change nothing"),
  json
}

const install = Command.make("install", {
  ...whose,
  standIn: toggle("stand-in", "with --user: in the place of the agent's own sockets, so that every program is gated"),
  homedir: value("homedir", "DIR", "with --user: the GnuPG homedir whose agent is served, if it is not ~/.gnupg")
}, (options) => later(() => import("./verbs/units/install.ts"), ({ install }) => install(options))).pipe(
  Command.withShortDescription("make the gate a service of systemd"),
  Command.withDescription(
    "Writes units for systemd, so that a gate runs as a service and its sockets are there before it is. First it shows every file "
      + "that it would make or change and every command that it would run, and asks. A file that gripgate has not written "
      + "is never touched.\n\nWithout a terminal it needs --yes; else nothing is changed and the exit code is 1. Where no "
      + "systemd runs it says which commands are left to type."
  ),
  Command.withExamples([
    { command: "gripgate install --user --stand-in", description: "All of your programs behind the gate:" },
    { command: "gripgate install --system --dry-run", description: "What a gate for the system would be:" }
  ])
)

const uninstall = Command.make(
  "uninstall",
  whose,
  (options) => later(() => import("./verbs/units/uninstall.ts"), ({ uninstall }) => uninstall(options))
).pipe(
  Command.withShortDescription("take the service away again"),
  Command.withDescription(
    "Removes what `gripgate install` made, of whatever version: units, drop-ins and the links that enable them. Keys, policy, grants and "
      + "journal stay, and so does the account of the system's gate. First it shows what it would do, and asks."
  ),
  Command.withExamples([{ command: "gripgate uninstall --user" }])
)

/** In the order in which --help lists them. */
export const unitCommands = [install, uninstall] as const
