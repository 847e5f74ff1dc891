// The verbs that set up a client of the gate, with their flags and what --help says about them.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { argument, control, json, later, toggle, value } from "./flags.ts"
import { shells } from "./verbs/client/export-line.ts"

const words = "an app of the policy, or `anyone` for whoever is none"

const named = (description: string) => Argument.String("APP").pipe(Argument.withDescription(description))

const gate = {
  policy: value("policy", "FILE", "the policy; else the one at its standard place"),
  state: value("state", "DIR", "the gate's state directory, if it is not at its standard place"),
  homedir: value(
    "homedir",
    "DIR",
    "the owner's GnuPG homedir; else that of the policy, else the one that gpg would use"
  ),
  socket: value("socket", "SOCKET", "the gate's socket for the app; else the one that the policy gives it")
}

const dir = value("dir", "DIR", "where the homedir is; else `$XDG_DATA_HOME/gripgate/homes/APP`")

const home = Command.make("home", {
  app: argument("APP", `${words}; left out with --refresh, all that have a homedir at the standard place`),
  dir,
  refresh: toggle("refresh", "renew the keys in it, too"),
  keys: value("keys", "FILE", "take public keys from a file, `-` for stdin, and not from the owner's homedir"),
  ...gate,
  json
}, (options) => later(() => import("./verbs/client/home.ts"), ({ home }) => home(options))).pipe(
  Command.withShortDescription("make a GnuPG homedir that leads an app to its socket"),
  Command.withDescription(
    "Makes a homedir for programs of GnuPG that are to be an app: your public keys and your trust in them, the way to the app's "
      + "socket, and `no-autostart`. No secret key is in it. Prints its path. One that is there is mended where something is "
      + "missing; with --refresh it gets new and changed keys, and loses those that you have no more. What the app imported "
      + "itself, and lines of its own in gpg.conf, stay."
  ),
  Command.withExamples([
    { command: "GNUPGHOME=$(gripgate home mail) gpg -K" },
    { command: "gripgate home --refresh", description: "All of them, after your keyring changed:" },
    {
      command: "gpg --export | sudo -u mail gripgate home mail --keys - --socket /run/gripgate/apps/mail/S.gpg-agent",
      description: "For another user, who cannot read your keyring:"
    }
  ])
)

const env = Command.make("env", {
  app: named(words),
  dir,
  shell: Flag.Literals("shell", shells).pipe(
    Flag.withMetavar("SHELL"),
    Flag.withDescription("the shell that reads it: sh, fish or csh"),
    Flag.withDefault("sh" as const)
  ),
  gpg1: toggle("gpg1", "only what gpg 1.4 needs beside keys of its own"),
  ...gate,
  json
}, (options) => later(() => import("./verbs/client/env.ts"), ({ env }) => env(options))).pipe(
  Command.withShortDescription("print shell lines that make a shell's programs an app"),
  Command.withDescription(
    "Prints lines that set GNUPGHOME to the app's homedir, which is made where there is none, and GPG_AGENT_INFO to its socket, for "
      + "gpg 1.4 and 2.0. This points honest programs at the gate. It keeps none from going around it: that takes "
      + "`gripgate run`, or another user."
  ),
  Command.withExamples([
    { command: "eval \"$(gripgate env mail)\"" },
    { command: "gripgate env mail --shell fish | source" }
  ])
)

const run = Command.make("run", {
  app: named("an app of the policy that has a socket of its own"),
  command: Argument.String("COMMAND").pipe(
    Argument.withDescription("the command and its arguments, after `--`"),
    Argument.variadic()
  ),
  write: Flag.String("write").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("a folder that the command may write to, besides the working directory; may be repeated"),
    Flag.atLeast(0)
  ),
  hide: Flag.String("hide").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("a folder that the command must not see, as ~/.ssh; may be repeated"),
    Flag.atLeast(0)
  ),
  requireSandbox: toggle("require-sandbox", "run nothing where bubblewrap cannot be used"),
  shareNet: toggle("share-net", "share the network also where that opens sockets without a path"),
  ...gate,
  control
}, (options) => later(() => import("./verbs/client/run.ts"), ({ run }) => run(options))).pipe(
  Command.withShortDescription("run a command that is an app, in a sandbox"),
  Command.withDescription(
    "Runs a command that is this app, with all that it starts: where gpg looks it finds the app's socket and your public keys. Your "
      + "private keys, the agent's own socket, the policy, the gate's store and control socket, the session bus and other "
      + "processes are out of its reach, and it can write to the working directory alone, and to what --write names. The app "
      + "needs a socket of its own. Without bubblewrap only the homedir is set, and stderr says what that does not hide.\n\n"
      + "The exit code is that of the command, 128 and the number of a signal that ended it, or 69 where no gate listens."
  ),
  Command.withExamples([
    { command: "gripgate run agent -- bash" },
    { command: "gripgate run release --write ~/build -- make sign" }
  ])
)

/** In the order in which --help lists them. */
export const clientCommands = [home, env, run] as const
