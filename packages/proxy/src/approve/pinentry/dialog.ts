// One question in one pinentry, from its greeting to the owner's answer. A yes is an OK to CONFIRM and nothing else: all other
// answers have more than one meaning, and so have the failures of some programs.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Place } from "../../owner/place.ts"
import type { Answer, Asked, By, Question } from "../question.ts"
import type { Gap } from "./gap.ts"
import { type PinentryProcess, startPinentry, type Told } from "./process.ts"
import { forgetTyped, needsTerminal, terminalProblem } from "./terminal.ts"
import { firstSheet, secondSheet, type Sheet } from "./text.ts"
import { Unavailable } from "./unavailable.ts"

export interface Asking {
  /** The absolute path of the pinentry. */
  readonly program: string
  readonly place: Place
  /** Milliseconds that the owner has, from when the first dialog is shown. */
  readonly timeout: number
  readonly gap: Gap
}

const by: By = { through: "pinentry" }
const yes = (good: Answer["good"]): Asked => ({ kind: "yes", good, by })
const no: Asked = { kind: "no", good: "once", by }
const timedOut: Asked = { kind: "timeout" }

/** Milliseconds in which a pinentry is ready to ask. One with windows needs a second on a slow machine. */
const START = 10_000

/** Milliseconds for a line to come that nobody waits for. */
const SETTLE = 200

/** Nanoseconds before which a yes is nobody's answer, so that the dialog is shown again, and how often. */
const READING = 250_000_000n
const MAX_SHOWN = 3

/** Errors that are answers (libgpg-error err-codes.h). */
const TIMEOUT = 62
const CANCELED = 99
const NOT_CONFIRMED = 114
const FULLY_CANCELED = 198

const unavailable = (reason: string) => Effect.fail(new Unavailable({ reason }))

/** Options of gpg-agent's that are fatal where a program refuses them (agent/call-pinentry.c start_pinentry). */
const options = ["ttyname", "ttytype", "lc-ctype", "lc-messages"]

const errorOf = (code: number, text: string): string => text === "" ? `error ${code}` : `error ${code}, ${text}`

/** Sends a line that it has to accept. */
const need = Effect.fnUntraced(function*(pinentry: PinentryProcess, line: string) {
  const told = yield* pinentry.tell(line)
  if (told.kind === "ok") return
  const what = /^(?:OPTION )?[^ =]*/.exec(line)?.[0]
  return yield* unavailable(`it refuses ${what}: ${errorOf(told.code, told.text)}`)
})

/** From its greeting to where it can be given a text. Returns the terminal that it asks on, if it does. */
const setUp = Effect.fnUntraced(function*(pinentry: PinentryProcess, place: Place) {
  yield* pinentry.greeted
  // a program that says OK to whatever it is told would say so to the question too
  if ((yield* pinentry.tell("GRIPGATE")).kind === "ok") {
    return yield* unavailable("it says OK to what no pinentry knows, so its yes would mean nothing")
  }
  // the gate's question is not worth taking the keyboard away from everything else
  yield* pinentry.tell("OPTION no-grab")
  for (const name of options) {
    const line = place.options.get(name)
    if (line !== undefined) yield* need(pinentry, line.toString("utf8", 0, line.length - 1))
  }
  const flavor = yield* pinentry.tell("GETINFO flavor")
  if (flavor.kind === "err" || !needsTerminal(flavor.data)) return undefined
  const terminal = place.variables["GPG_TTY"]
  const problem = terminalProblem(terminal)
  return problem === undefined ? terminal : yield* unavailable(problem)
})

/**
 * Sees to it that the next OK is the owner's. A program that has said one OK too many would else have CONFIRM answered by the
 * one before it. Only the answer to this line has a number in it; from a program that has none, what it still has to say is
 * waited for, and out of turn ends it.
 */
const comeInStep = Effect.fnUntraced(function*(pinentry: PinentryProcess) {
  const told = yield* pinentry.tell("GETINFO pid")
  if (told.kind === "err" || !/^\d+$/.test(told.data)) yield* Effect.sleep(SETTLE)
})

/** Gives it a dialog to show. Returns whether it has the third button, if there is to be one. */
const lay = Effect.fnUntraced(function*(pinentry: PinentryProcess, sheet: Sheet, seconds: number) {
  // a title of its own would name the gate's process and command line
  yield* pinentry.tell("SETTITLE gripgate")
  yield* pinentry.tell(`SETTIMEOUT ${seconds}`)
  yield* need(pinentry, sheet.description)
  yield* need(pinentry, sheet.ok)
  yield* need(pinentry, sheet.cancel)
  const third = sheet.notok !== undefined && (yield* pinentry.tell(sheet.notok)).kind === "ok"
  yield* comeInStep(pinentry)
  return third
})

/** Shows the dialog, and waits for what the owner does. What he typed before he saw it is no part of that. */
const show = (
  pinentry: PinentryProcess,
  terminal: string | undefined,
  shown: () => void
): Effect.Effect<Told, Unavailable> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    for (let times = 0; times < MAX_SHOWN; times++) {
      if (terminal !== undefined) forgetTyped(terminal)
      const before = clock.monotonicTimeNanosUnsafe()
      const told = yield* pinentry.confirm(shown)
      if (told.kind === "err" || clock.monotonicTimeNanosUnsafe() - before >= READING) return told
      // a key that was meant for what the dialog came over
    }
    return yield* unavailable("it says yes before anybody could have read the question")
  })

/**
 * Asks a question; fails where the owner could not be asked. `shown` is called when he can see it. Whoever is interrupted takes
 * the dialog away.
 */
export const askPinentry = Effect.fnUntraced(function*(
  { gap, place, program, timeout }: Asking,
  question: Question,
  shown: () => void
): Effect.fn.Return<Asked, Unavailable, Scope.Scope> {
  const first = firstSheet(question)
  const { while: time } = question.offers
  const second = time === undefined ? undefined : secondSheet(question, time)
  if (first === undefined || (time !== undefined && second === undefined)) {
    return yield* unavailable("it has no room for the question")
  }
  // its own time-out is not the same answer everywhere, so that one only closes what a gate that is gone has left open
  const seconds = Math.ceil(timeout / 1000) + 1
  const pinentry = yield* startPinentry(program, place.variables)
  const ready = Effect.gen(function*() {
    const terminal = yield* setUp(pinentry, place)
    return { terminal, third: yield* lay(pinentry, first, seconds) }
  })
  const { terminal, third } = yield* Effect.timeoutOrElse(ready, {
    duration: START,
    orElse: () => unavailable(`it was not ready within ${START / 1000} s`)
  })

  const again = Effect.gen(function*() {
    if (time === undefined || second === undefined) return no
    yield* gap.end
    // a button can only be taken away together with all the texts; the options stay (pinentry.c pinentry_reset)
    yield* pinentry.tell("RESET")
    yield* lay(pinentry, second, seconds)
    yield* gap.begin
    const told = yield* show(pinentry, terminal, () => {})
    if (told.kind === "ok") return yes(time)
    return told.code === TIMEOUT ? timedOut : no
  })
  const answer = Effect.gen(function*() {
    const told = yield* show(pinentry, terminal, shown)
    if (told.kind === "ok") return yes("once")
    switch (told.code) {
      case CANCELED:
      case FULLY_CANCELED:
        return no
      case NOT_CONFIRMED:
        // the owner has been asked, so whatever goes wrong from here on is no reason to ask him elsewhere
        return third ? yield* Effect.orElseSucceed(again, () => no) : no
      case TIMEOUT:
        return timedOut
      default:
        return yield* unavailable(errorOf(told.code, told.text))
    }
  })
  yield* gap.begin
  return yield* Effect.timeoutOrElse(answer, { duration: timeout, orElse: () => Effect.succeed(timedOut) })
})
