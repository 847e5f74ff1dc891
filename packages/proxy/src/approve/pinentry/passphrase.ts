// Asking the owner for passphrases with a pinentry of the gate's own: what is typed goes to no client, into no string, and into no
// cache: the pinentry is told of none, and of no key that it could keep one for.
import { MAX_LINE_OUT } from "@gripgate/protocol/limits"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { NotIssued, PlannedKey } from "../../grant/issue.ts"
import { plannedKeyLines } from "../../shown/grant-lines.ts"
import { NotAsked, type PassphraseAsker } from "../passphrase-asker.ts"
import type { Asking } from "./dialog.ts"
import { type PinentryProcess, startPinentry } from "./process.ts"
import { code, comeInStep, errorOf, inTime, need, setUp, unavailable } from "./set-up.ts"
import { forgetTyped } from "./terminal.ts"
import { lineOf } from "./text.ts"
import type { PinentryTurns } from "./turns.ts"
import type { Unavailable } from "./unavailable.ts"

/** What is shown: lines for a person, and what was wrong with the last try. */
interface PinSheet {
  readonly lines: ReadonlyArray<string>
  readonly error: string | undefined
}

/** Times that the owner is asked without getting further. */
const TRIES = 3

const cancelled = new NotAsked({ why: "cancelled", message: "no passphrase was given: the dialog was cancelled" })
const timedOut = new NotAsked({ why: "timeout", message: "no passphrase was given in time" })

const lay = Effect.fnUntraced(function*(pinentry: PinentryProcess, { error, lines }: PinSheet, seconds: number) {
  const description = lineOf("SETDESC", lines)
  if (description === undefined) return yield* unavailable("it has no room for what the passphrase is for")
  yield* pinentry.tell("SETTITLE gripgate")
  yield* pinentry.tell(`SETTIMEOUT ${seconds}`)
  yield* need(pinentry, description)
  yield* need(pinentry, "SETPROMPT Passphrase:")
  yield* need(pinentry, "SETOK _OK")
  yield* need(pinentry, "SETCANCEL _Cancel")
  if (error !== undefined) yield* need(pinentry, `SETERROR ${error}`.slice(0, MAX_LINE_OUT))
  yield* comeInStep(pinentry)
})

/** One dialog: what was typed, in a slab that whoever has it wipes. Whoever is interrupted takes the dialog away. */
const typePassphrase = Effect.fnUntraced(function*(
  { gap, place, program, timeout }: Asking,
  sheet: PinSheet
): Effect.fn.Return<Buffer, Unavailable | NotAsked, Scope.Scope> {
  const pinentry = yield* startPinentry(program, place.variables)
  const terminal = yield* inTime(Effect.gen(function*() {
    const terminal = yield* setUp(pinentry, place)
    // its own time-out only closes what a gate that is gone has left open
    yield* lay(pinentry, sheet, Math.ceil(timeout / 1000) + 1)
    return terminal
  }))
  yield* gap.begin
  const typed = pinentry.getPin(() => {
    if (terminal !== undefined) forgetTyped(terminal)
  })
  const told = yield* Effect.timeoutOrElse(typed, { duration: timeout, orElse: () => Effect.fail(timedOut) })
  if (told.kind === "ok") return told.pin
  switch (told.code) {
    case code.canceled:
    case code.fullyCanceled:
    case code.notConfirmed:
      return yield* cancelled
    case code.timeout:
      return yield* timedOut
    default:
      return yield* unavailable(errorOf(told.code, told.text))
  }
})

/** What is to be shown for these keys: as many of them as there is room for. */
const linesFor = (lines: ReadonlyArray<string>, keys: ReadonlyArray<PlannedKey>): ReadonlyArray<string> => {
  const all = [...lines, ...plannedKeyLines(keys)]
  return lineOf("SETDESC", all) === undefined ? [...lines, ...plannedKeyLines(keys, 1)] : all
}

/** Asks with pinentries that take their turns with all others. */
export const pinentryPassphrases = (turns: PinentryTurns): PassphraseAsker => {
  const ask = (sheet: PinSheet): Effect.Effect<Buffer, NotAsked> =>
    turns.run<Buffer, NotAsked>((asking) => typePassphrase(asking, sheet)).pipe(
      Effect.mapError((error) =>
        error._tag === "NotAsked"
          ? error
          : new NotAsked({ why: "unavailable", message: `no passphrase can be asked for: ${error.reason}` })
      )
    )
  return {
    ask: (lines, keys, check) =>
      Effect.suspend(() => {
        const needed = keys.filter(({ sealed }) => sealed)
        const all: Array<Buffer> = []
        const given = new Map<PlannedKey["info"]["keygrip"], Buffer>()
        const asking = Effect.gen(function*() {
          let asked = needed
          let error: string | undefined
          for (let tries = 1; asked.length > 0;) {
            const pin = yield* ask({ lines: linesFor(lines, asked), error })
            all.push(pin)
            // a key that is protected has no empty one
            let left = asked
            let why: NotIssued | undefined
            if (pin.length > 0) {
              for (const { info } of asked) given.set(info.keygrip, pin)
              const made = yield* Effect.result(Effect.uninterruptible(check(given)))
              if (Result.isSuccess(made)) return made.success
              why = made.failure
              const wrong = new Set(why.wrong)
              left = needed.filter(({ info }) => wrong.has(info.keygrip))
              if (left.length === 0) return yield* why
            }
            const further = left.length < asked.length
            // several keys may have several passphrases: only what opens none of them is a wrong one
            tries = further ? 1 : tries + 1
            if (tries > TRIES) return yield* why ?? cancelled
            error = further ? "right, but not for all: these have another" : "wrong passphrase"
            asked = left
          }
          return yield* Effect.uninterruptible(check(given))
        })
        return Effect.ensuring(asking, Effect.sync(() => all.forEach((pin) => pin.fill(0))))
      })
  }
}
