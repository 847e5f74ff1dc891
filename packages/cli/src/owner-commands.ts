// The verbs by which the owner answers a running gate, with their flags and what --help says about them.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { argument, control, json, later, toggle, value } from "./flags.ts"
import { grant, renew, rotate } from "./grant-commands.ts"

const id = Argument.String("ID").pipe(
  Argument.withDescription("the question: four letters and digits, small or large, as `gripgate asks` names it")
)

const asks = Command.make(
  "asks",
  { json, control },
  (options) => later(() => import("./verbs/asks.ts"), ({ asks }) => asks(options))
).pipe(
  Command.withShortDescription("list the questions that wait for an answer"),
  Command.withDescription(
    "Lists the questions that wait for an answer: who wants what, with which key, how he was recognised, by which entry of the "
      + "policy, and what can be answered. What a program says itself stands behind a bar, and is its own word."
  )
)

const approve = Command.make("approve", {
  id,
  for: value("for", "TIME", "not once, but for a time (15m, 8h, 90d), or always; both are a grant"),
  json,
  control
}, (options) => later(() => import("./verbs/answer.ts"), ({ approve }) => approve(options))).pipe(
  Command.withShortDescription("answer a question with yes"),
  Command.withDescription(
    "Says yes to a question, for this once, and prints the question that was answered. With --for the same app may do the "
      + "same with the same key without another question, for a time or always: `gripgate grants` lists it, and `gripgate "
      + "revoke` takes it back."
  ),
  Command.withExamples([
    { command: "gripgate approve 7KQ2" },
    { command: "gripgate approve 7KQ2 --for 15m", description: "And without another question for a while:" }
  ])
)

const deny = Command.make("deny", {
  id,
  never: toggle("never", "not once, but for ever: it is refused from now on, and nobody is asked"),
  json,
  control
}, (options) => later(() => import("./verbs/answer.ts"), ({ deny }) => deny(options))).pipe(
  Command.withShortDescription("answer a question with no"),
  Command.withDescription(
    "Says no to a question, for this once, and prints the question that was answered. With --never the same app is refused the "
      + "same with the same key, and nobody is asked: `gripgate grants` lists it, and `gripgate revoke ID` takes it back."
  ),
  Command.withExamples([{ command: "gripgate deny 7KQ2" }])
)

const grants = Command.make("grants", {
  id: argument("ID", "one grant, with all that is known of it; else all of them in a table"),
  json,
  control
}, (options) => later(() => import("./verbs/grants.ts"), ({ grants }) => grants(options))).pipe(
  Command.withShortDescription("list what you have allowed or refused for longer"),
  Command.withDescription(
    "Lists the grants: answers that hold for a while, always or never, each for one app, its operations and one key; and those "
      + "that a token opens, with what is left of them."
  ),
  Command.withExamples([{ command: "gripgate grants AB23" }])
)

const revoke = Command.make("revoke", {
  id: argument("ID", "one grant"),
  app: value("app", "NAME", "every yes and every token of this app"),
  all: toggle("all", "every yes and every token"),
  json,
  control
}, (options) => later(() => import("./verbs/revoke.ts"), ({ revoke }) => revoke(options))).pipe(
  Command.withShortDescription("take grants back"),
  Command.withDescription(
    "Takes grants back, at once. --app and --all only make stricter: what refuses stands, and is taken back by its ID."
  ),
  Command.withExamples([
    { command: "gripgate revoke AB23" },
    { command: "gripgate revoke --all", description: "Ask me again, whatever it is:" }
  ])
)

const watch = Command.make(
  "watch",
  { control },
  (options) => later(() => import("./verbs/watch/watch.ts"), ({ watch }) => watch(options))
).pipe(
  Command.withShortDescription("answer questions on a live screen"),
  Command.withDescription(
    "Shows the questions that wait as they come and go, the marked one with all that is known of it, and the last decisions. One "
      + "key answers; `?` tells which. For programs there is `gripgate asks --json`."
  )
)

const tty = Command.make(
  "tty",
  { json, control },
  (options) => later(() => import("./verbs/tty.ts"), ({ tty }) => tty(options))
).pipe(
  Command.withShortDescription("have questions appear here"),
  Command.withDescription(
    "Tells the gate where you are: dialogs of the gate and of gpg-agent appear on the display and the terminal of this command from "
      + "now on."
  ),
  Command.withExamples([{ command: "gripgate tty", description: "After coming back by ssh:" }])
)

/** In the order in which --help lists them. */
export const ownerCommands = [asks, approve, deny, watch, grant, grants, renew, rotate, revoke, tty] as const
