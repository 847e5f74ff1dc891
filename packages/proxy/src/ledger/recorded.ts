// A record that is written while something else is done: begun now, waited for before anything of it is told.
import * as Effect from "effect/Effect"
import type { LedgerError } from "./ledger-error.ts"
import type { Ledger } from "./ledger.ts"

export interface Recorded {
  /** Whether it is durable by now, so that nobody has to wait. */
  readonly isWritten: () => boolean
  /** Waits until it is durable; false where it cannot be written. Never fails. */
  readonly written: Effect.Effect<boolean>
  /** Its number, when it is durable. */
  readonly number: () => number | undefined
}

/** Begins to write a record at once; `failed` is told where it cannot be. */
export const beginRecord = <A extends object>(
  ledger: Pick<Ledger<A>, "put">,
  record: A,
  failed: (error: LedgerError) => void
): Recorded => {
  let result: number | LedgerError | undefined
  let waiting: Array<() => void> = []
  const isWritten = (): boolean => typeof result === "number"
  ledger.put(record, (settled) => {
    result = settled
    if (typeof settled !== "number") failed(settled)
    for (const resume of waiting) resume()
    waiting = []
  })
  return {
    isWritten,
    written: Effect.uninterruptible(Effect.callback<boolean>((resume) => {
      const tell = (): void => resume(Effect.succeed(isWritten()))
      if (result === undefined) waiting.push(tell)
      else tell()
    })),
    number: () => typeof result === "number" ? result : undefined
  }
}

/** Both of them. */
export const bothRecorded = (first: Recorded | undefined, second: Recorded): Recorded =>
  first === undefined ? second : {
    isWritten: () => first.isWritten() && second.isWritten(),
    written: Effect.zipWith(first.written, second.written, (a, b) => a && b),
    number: second.number
  }
