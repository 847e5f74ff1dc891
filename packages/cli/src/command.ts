// The verbs with their flags and what --help says about them. What a verb does is in verbs/, loaded when it is called: a
// `--version` must not pay for the gate, nor the gate for the demo.
import { transports } from "@gripgate/policy/client/facts"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { clientCommands } from "./client-commands.ts"
import { connect } from "./connect/command.ts"
import { doctorCommands } from "./doctor-command.ts"
import { argument, control, json, later, toggle, value } from "./flags.ts"
import { ownerCommands } from "./owner-commands.ts"
import { testkit } from "./testkit-command.ts"
import { unitCommands } from "./unit-commands.ts"
import { verdictWords } from "./verbs/log/filter.ts"

const policyFlags = {
  policy: value("policy", "FILE", "the policy; else the one at its standard place, if there is one"),
  default: Flag.Literals("default", ["allow", "ask", "forbid"]).pipe(
    Flag.withMetavar("VERDICT"),
    Flag.withDescription("instead of a file, a policy of nothing but this"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  )
}

const homedir = value(
  "homedir",
  "DIR",
  "the GnuPG homedir whose keys the policy means; else the one that gpg would use"
)

const serve = Command.make("serve", {
  ...policyFlags,
  homedir: value("homedir", "DIR", "the GnuPG homedir whose agent is served; else the one that gpg would use"),
  upstream: value("upstream", "SOCKET", "the agent's socket; gripgate then never starts an agent by itself"),
  standIn: toggle("stand-in", "listen where gpg looks for its agent, which is moved aside until the gate ends"),
  listen: Flag.String("listen").pipe(
    Flag.withMetavar("[APP=]SOCKET"),
    Flag.withDescription("listen here, for an app or for whoever is none; may be repeated"),
    Flag.atLeast(0)
  ),
  state: value("state", "DIR", "where the gate keeps what it must remember"),
  control: value("control", "SOCKET", "where the gate answers its owner: `gripgate status`, `watch` and the like"),
  verbose: toggle("verbose", "log everything, also what only looks")
}, (options) => later(() => import("./verbs/serve.ts"), ({ serve }) => serve(options))).pipe(
  Command.withShortDescription("run the gate, in the foreground"),
  Command.withDescription(
    "Stands between OpenPGP programs and gpg-agent, and does what the policy says. Runs in the foreground and logs to "
      + "stderr. SIGHUP reads the policy again, as does any change of the file; SIGTERM and SIGINT let running commands "
      + "finish.\n\nWithout --listen it listens at its standard place, and with --stand-in at gpg-agent's, so that every "
      + "program of the user goes through it. The sockets that apps own by the policy are listened at in any case."
  ),
  Command.withExamples([
    { command: "gripgate serve --default ask", description: "The agent that gpg uses, asking for everything:" },
    {
      command: "gripgate serve --policy ./policy.toml --listen /run/gate/S.gpg-agent",
      description: "A policy and a socket:"
    }
  ])
)

const standDown = Command.make("stand-down", {
  homedir: value("homedir", "DIR", "the GnuPG homedir; else the one of the policy, or that gpg would use"),
  ...policyFlags,
  json
}, (options) => later(() => import("./verbs/stand-down.ts"), ({ standDown }) => standDown(options))).pipe(
  Command.withShortDescription("set back what a killed gate has left"),
  Command.withDescription(
    "A gate that stands in (`gripgate serve --stand-in`) gives gpg-agent its place back when it ends. One that was killed could not: "
      + "this does it. The agent goes on, with what it has unlocked, and nothing is behind a gate any more. A gate that is started "
      + "again does not need it."
  )
)

const check = Command.make("check", {
  app: argument("APP", "an app of the policy, or `anyone` for whoever is none; left out with --pid"),
  operation: argument("OPERATION", "sign, decrypt, export ...: a word of the policy"),
  key: argument("KEY", "a key as the policy names it, or a keygrip; without it only the operation is judged"),
  pid: Flag.Int("pid").pipe(
    Flag.withMetavar("PID"),
    Flag.withDescription("in place of APP, a process that runs: who it would be"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  socket: value("socket", "SOCKET", "with --pid, the socket that the process would connect to"),
  via: Flag.Literals("via", transports).pipe(
    Flag.withMetavar("TRANSPORT"),
    Flag.withDescription("the client is elsewhere, and ssh, qrexec or connect brings it as APP, or as no app (anyone)"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  remote: value("remote", "WHERE", "with --via ssh, where it is as sshd says: 192.0.2.7"),
  qube: value("qube", "QUBE", "with --via qrexec, the qube that it is in"),
  homedir,
  ...policyFlags,
  json
}, (options) => later(() => import("./verbs/check/check.ts"), ({ check }) => check(options))).pipe(
  Command.withShortDescription("say what the policy would do, and why"),
  Command.withDescription(
    "Says what would happen if this app asked for this operation: the verdict, and every entry of the policy that was "
      + "considered, with the reason why it holds or does not; for a process also what is known of it, and which apps "
      + "it could be. Nothing is asked of a gate or an agent.\n\n"
      + "The exit code is the verdict: 0 allow, 10 forbid, 11 ask, 12 token."
  ),
  Command.withExamples([
    { command: "gripgate check git sign alice@example.org" },
    { command: "gripgate check --pid 4711 sign", description: "What a process that runs may do, and why:" },
    { command: "gripgate check build sign --via ssh --remote 192.0.2.7" },
    { command: "gripgate check anyone export --default ask" }
  ])
)

const lint = Command.make("lint", {
  file: Argument.String("FILE").pipe(
    Argument.withDescription("the policy; else the one at its standard place"),
    Argument.optional,
    Argument.map(Option.getOrUndefined)
  ),
  homedir,
  schema: toggle("schema", "print the JSON Schema of a policy file, for editors, and judge nothing"),
  json
}, (options) => later(() => import("./verbs/lint.ts"), ({ lint }) => lint(options))).pipe(
  Command.withShortDescription("judge a policy file"),
  Command.withDescription(
    "Judges a policy file. Every mistake is told with file, line and column; where there is none, which keys it means, "
      + "and what will not do what it seems to say: entries without effect or against each other, apps that nobody can be "
      + "or that nothing tells apart, rules that rest on what a client can imitate.\n\nThe exit code is 78 for a policy "
      + "that cannot be used as it is, and 0 otherwise, warnings or not."
  ),
  Command.withExamples([{ command: "gripgate lint ./policy.toml" }])
)

const status = Command.make(
  "status",
  { json, control },
  (options) => later(() => import("./verbs/status.ts"), ({ status }) => status(options))
).pipe(
  Command.withShortDescription("ask a running gate how it is"),
  Command.withDescription(
    "Asks a running gate which agent it serves, where it listens, by which policy, who is connected, what waits for an "
      + "answer, and how much it has done. The exit code is 69 where no gate answers."
  )
)

const log = Command.make("log", {
  app: value("app", "NAME", "only this app; `anyone` for whoever is none"),
  key: value("key", "KEY", "only with this key, as the policy names it, or a keygrip"),
  operation: value("operation", "OPERATION", "only this operation: sign, decrypt, export ..."),
  verdict: Flag.Literals("verdict", verdictWords).pipe(
    Flag.withMetavar("VERDICT"),
    Flag.withDescription("only what the policy says this of, or what was allowed or refused"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  since: value("since", "TIME", "only what is not older: a time, or how long ago (90m, 3d)"),
  until: value("until", "TIME", "only what is not newer"),
  lines: Flag.Int("lines").pipe(
    Flag.withAlias("n"),
    Flag.withMetavar("N"),
    Flag.withDescription("only the last N lines"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  follow: toggle("follow", "go on as more is written, until Ctrl-C"),
  json: toggle("json", "print one JSON object a line, for programs"),
  withColons: toggle("with-colons", "print fields between colons, for programs"),
  verify: toggle("verify", "say whether the journal is whole, and print no records"),
  state: value("state", "DIR", "the gate's state directory, if it is not at its standard place"),
  homedir: value("homedir", "DIR", "the GnuPG homedir whose keys are meant; else the one that gpg would use")
}, (options) => later(() => import("./verbs/log/log.ts"), ({ log }) => log(options))).pipe(
  Command.withShortDescription("show what was decided, and what came of it"),
  Command.withDescription(
    "Shows the journal: each use of a key, each refusal, each question, each step in a grant's life. It is read from the files "
      + "in the gate's state directory, as the gate's user; no gate has to run.\n\nWith --verify, whether a record was taken "
      + "away, changed, moved or cut off: the exit code is 0 for a journal that is whole, and 1 otherwise."
  ),
  Command.withExamples([
    { command: "gripgate log --app mailpile --since 1d" },
    { command: "gripgate log --verdict refused --follow", description: "Who is refused what, as it happens:" },
    { command: "gripgate log --verify" }
  ])
)

const demo = Command.make(
  "demo",
  {},
  () => later(() => import("./verbs/demo/demo.ts"), ({ demo }) => demo)
).pipe(
  Command.withShortDescription("see it work, in ten seconds"),
  Command.withDescription(
    "Makes a throw-away homedir with a key, starts an agent and a gate, and shows what stock gpg can do and what the "
      + "policy keeps it from. Nothing of yours is touched and nothing is left behind.\n\nThe exit code is 0 if all went "
      + "as it was said, and 1 otherwise."
  )
)

const completions = Command.make(
  "completions",
  {
    shell: Argument.Literals("SHELL", ["bash", "zsh", "fish"]).pipe(Argument.withDescription("bash, zsh or fish"))
  },
  ({ shell }): Effect.Effect<void> =>
    later(() => import("./verbs/completions.ts"), ({ completions }) => completions(gripgate, shell))
).pipe(
  Command.withShortDescription("print a completion script for a shell"),
  Command.withDescription("Prints a script that completes verbs, flags and files of gripgate in bash, zsh or fish."),
  Command.withExamples([
    { command: "source <(gripgate completions bash)", description: "For the shell that runs:" },
    {
      command: "gripgate completions fish > ~/.config/fish/completions/gripgate.fish",
      description: "For good:"
    }
  ])
)

/** The command `gripgate` with all its verbs. */
export const gripgate = Command.make("gripgate").pipe(
  Command.withDescription(
    "A gate between OpenPGP programs and gpg-agent: each program its own keys, and the owner decides what becomes of each "
      + "operation. gpg and gpg-agent stay as they are."
  ),
  Command.withSubcommands([
    serve,
    standDown,
    check,
    lint,
    status,
    ...doctorCommands,
    ...ownerCommands,
    ...clientCommands,
    log,
    connect,
    ...unitCommands,
    demo,
    testkit,
    completions
  ])
)
