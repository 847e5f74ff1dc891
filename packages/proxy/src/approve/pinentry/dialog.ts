// One question in one pinentry, from its greeting to the owner's answer. A yes is an OK to CONFIRM and nothing else: all other
// answers have more than one meaning, and so have the failures of some programs.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Place } from "../../owner/place.ts"
import type { Answer, Asked, By, Question } from "../question.ts"
import type { Gap } from "./gap.ts"
import { type PinentryProcess, startPinentry, type Told } from "./process.ts"
import { code, comeInStep, errorOf, inTime, need, setUp, unavailable } from "./set-up.ts"
import { forgetTyped } from "./terminal.ts"
import { firstSheet, secondSheet, type Sheet } from "./text.ts"
import type { Unavailable } from "./unavailable.ts"

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

/** Nanoseconds before which a yes is nobody's answer, so that the dialog is shown again, and how often. */
const READING = 250_000_000n
const MAX_SHOWN = 3

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
  const { terminal, third } = yield* inTime(ready)

  const again = Effect.gen(function*() {
    if (time === undefined || second === undefined) return no
    yield* gap.end
    // a button can only be taken away together with all the texts; the options stay (pinentry.c pinentry_reset)
    yield* pinentry.tell("RESET")
    yield* lay(pinentry, second, seconds)
    yield* gap.begin
    const told = yield* show(pinentry, terminal, () => {})
    if (told.kind === "ok") return yes(time)
    return told.code === code.timeout ? timedOut : no
  })
  const answer = Effect.gen(function*() {
    const told = yield* show(pinentry, terminal, shown)
    if (told.kind === "ok") return yes("once")
    switch (told.code) {
      case code.canceled:
      case code.fullyCanceled:
        return no
      case code.notConfirmed:
        // the owner has been asked, so whatever goes wrong from here on is no reason to ask him elsewhere
        return third ? yield* Effect.orElseSucceed(again, () => no) : no
      case code.timeout:
        return timedOut
      default:
        return yield* unavailable(errorOf(told.code, told.text))
    }
  })
  yield* gap.begin
  return yield* Effect.timeoutOrElse(answer, { duration: timeout, orElse: () => Effect.succeed(timedOut) })
})
