// The signals that end a long-running verb. Whoever waits here ends in order; the verbs that only print are ended by the
// system, at once.
import * as Effect from "effect/Effect"

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP"

/** What a shell reports for a program that a signal has ended: 128 and the number of the signal. */
export const signalCode: Record<StopSignal, number> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

/**
 * The first of these signals. From the first call on they no longer end the process by themselves, not even while it cleans
 * up. `impatient` hears of a SIGINT that comes after the first signal, but not within half a second: npm passes on to
 * its child what the terminal has already sent to both of them.
 */
export const stopSignal = (
  signals: ReadonlyArray<StopSignal>,
  impatient?: () => void
): Effect.Effect<StopSignal> => {
  let first: { readonly signal: StopSignal; readonly at: number } | undefined
  const { promise, resolve } = Promise.withResolvers<StopSignal>()
  for (const signal of signals) {
    process.on(signal, () => {
      const now = performance.now()
      if (first === undefined) {
        first = { signal, at: now }
        resolve(signal)
      } else if (signal === "SIGINT" && now - first.at > 500) impatient?.()
    })
  }
  return Effect.promise(() => promise)
}
