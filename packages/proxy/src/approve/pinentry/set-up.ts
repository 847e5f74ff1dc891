// A pinentry from its greeting to where it is in step and can be shown: the same for a question and for a passphrase. What it then
// shows, and what an answer means, is elsewhere.
import * as Effect from "effect/Effect"
import type { Place } from "../../owner/place.ts"
import type { PinentryProcess } from "./process.ts"
import { needsTerminal, terminalProblem } from "./terminal.ts"
import { Unavailable } from "./unavailable.ts"

/** Milliseconds in which a pinentry is ready to ask. One with windows needs a second on a slow machine. */
const START = 10_000

/** Milliseconds for a line to come that nobody waits for. */
const SETTLE = 200

/** Errors that are answers (libgpg-error err-codes.h). */
export const code = { timeout: 62, canceled: 99, notConfirmed: 114, fullyCanceled: 198 } as const

/** The owner cannot be asked. */
export const unavailable = (reason: string) => Effect.fail(new Unavailable({ reason }))

/** Options of gpg-agent's that are fatal where a program refuses them (agent/call-pinentry.c start_pinentry). */
const options = ["ttyname", "ttytype", "lc-ctype", "lc-messages"]

/** A pinentry's error in words. */
export const errorOf = (code: number, text: string): string => text === "" ? `error ${code}` : `error ${code}, ${text}`

/** Sends a line that it has to accept. */
export const need = Effect.fnUntraced(function*(pinentry: PinentryProcess, line: string) {
  const told = yield* pinentry.tell(line)
  if (told.kind === "ok") return
  const what = /^(?:OPTION )?[^ =]*/.exec(line)?.[0]
  return yield* unavailable(`it refuses ${what}: ${errorOf(told.code, told.text)}`)
})

/** From its greeting to where it can be given a text. Returns the terminal that it asks on, if it does. */
export const setUp = Effect.fnUntraced(function*(pinentry: PinentryProcess, place: Place) {
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
export const comeInStep = Effect.fnUntraced(function*(pinentry: PinentryProcess) {
  const told = yield* pinentry.tell("GETINFO pid")
  if (told.kind === "err" || !/^\d+$/.test(told.data)) yield* Effect.sleep(SETTLE)
})

/** What makes it ready, in its time. */
export const inTime = <A>(ready: Effect.Effect<A, Unavailable>): Effect.Effect<A, Unavailable> =>
  Effect.timeoutOrElse(ready, {
    duration: START,
    orElse: () => unavailable(`it was not ready within ${START / 1000} s`)
  })
