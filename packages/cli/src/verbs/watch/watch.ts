// `gripgate watch`: the live screen. It carries what happens to the model, the model's screen to the terminal, and its answers to
// the gate; what becomes of a key is in model.ts.
import { askControl, type ControlError } from "@gripgate/proxy/control/client"
import type * as CliError from "effect/cli/CliError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { type Failure, quietly, usageError } from "../../failure.ts"
import { holdsText } from "../../screens/question.ts"
import { watchScreen } from "../../screens/watch/watch.ts"
import { signalCode, stopSignal } from "../../signals.ts"
import { quoted } from "../../usage.ts"
import { controlPath, failureOf } from "../control.ts"
import { localOffset } from "../view.ts"
import { follow } from "./follow.ts"
import { type Action, type Event, startModel } from "./model.ts"
import { step } from "./step.ts"
import { openTerminal, sizeOfStdout } from "./terminal.ts"

export interface WatchOptions {
  readonly control: string | undefined
}

/** Watches until `q`; Ctrl-C and a signal end it with the exit code of that signal. */
export const watch = Effect.fnUntraced(function*(
  options: WatchOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    return yield* usageError(
      "watch",
      "stdin and stdout have to be a terminal",
      "for programs there is: gripgate asks --json"
    )
  }
  const term = process.env["TERM"] ?? ""
  if (term === "" || term === "dumb") {
    const hint = "gripgate asks prints the questions, and gripgate approve ID answers"
    return yield* usageError("watch", `a terminal with TERM=${quoted(term)} has no screen to draw on`, hint)
  }
  const signal = stopSignal(["SIGINT", "SIGTERM", "SIGHUP"])
  const stopped = Effect.flatMap(signal, (name) => Effect.fail(quietly(signalCode[name])))
  yield* Effect.raceFirst(run(controlPath(options)), stopped)
})

const run = Effect.fnUntraced(function*(path: string): Effect.fn.Return<void, Failure> {
  const events = yield* Queue.unbounded<Event>()
  const tell = (event: Event): void => void Queue.offerUnsafe(events, event)
  const gate = follow(path, {
    snapshot: (snapshot) => tell({ kind: "snapshot", snapshot }),
    gone: (why) => tell({ kind: "gone", why })
  })
  yield* Effect.raceFirst(Effect.mapError(gate, failureOf), Effect.scoped(show(path, events, tell)))
})

/** The screen, from the first snapshot on: where there is no gate, there is none either. */
const show = Effect.fnUntraced(function*(
  path: string,
  events: Queue.Queue<Event>,
  tell: (event: Event) => void
): Effect.fn.Return<void, Failure, Scope.Scope> {
  let happened: ReadonlyArray<Event> = yield* Queue.takeAll(events)
  const terminal = yield* openTerminal({
    key: (key) => tell({ kind: "key", key }),
    resized: () => tell({ kind: "size", ...sizeOfStdout() }),
    back: () => tell({ kind: "back" }),
    lost: () => tell({ kind: "key", key: "interrupt" })
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(Effect.sync(() => tell({ kind: "tick" })), 1_000)))
  const { columns, rows } = sizeOfStdout()
  let model = startModel(columns, rows, localOffset)

  const act = Effect.fnUntraced(function*(action: Action): Effect.fn.Return<boolean, Failure, Scope.Scope> {
    switch (action.kind) {
      case "answer":
        yield* Effect.forkScoped(Effect.map(answer(path, action), tell))
        return false
      case "quit":
        return action.how === "key" ? true : yield* quietly(signalCode.SIGINT)
      case "suspend":
        terminal.suspend()
        return false
      case "redraw":
        terminal.forget()
        return false
    }
  })

  for (;;) {
    for (const event of happened) {
      if (event.kind === "size") terminal.forget()
      const [next, actions] = step(model, event, yield* Clock.currentTimeMillis)
      model = next
      for (const action of actions) if (yield* act(action)) return
    }
    terminal.draw(watchScreen(model))
    happened = yield* Queue.takeAll(events)
  }
})

/** Sends an answer; what came of it is for the bottom line. */
const answer = (
  path: string,
  { answer: kind, good, id }: Extract<Action, { kind: "answer" }>
): Effect.Effect<Event> =>
  Effect.match(askControl(path, { verb: "answer", id, kind, good, through: "watch" }), {
    onSuccess: (): Event => ({ kind: "answered", id, text: holdsText(kind, good) }),
    onFailure: ({ message }: ControlError): Event => ({ kind: "failed", id, text: message })
  })
