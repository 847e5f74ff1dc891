// A record that is written while something else is done: begun now, waited for before anything of it is told.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
  ledger: Pick<Ledger<A>, "append">,
  record: A,
  failed: (error: LedgerError) => void
): Recorded => {
  const fiber = Effect.runFork(Effect.tapError(ledger.append(record), (error) => Effect.sync(() => failed(error))))
  const number = (): number | undefined => {
    const exit = fiber.pollUnsafe()
    return exit !== undefined && Exit.isSuccess(exit) ? exit.value.n : undefined
  }
  return {
    isWritten: () => number() !== undefined,
    written: Effect.uninterruptible(Effect.map(Fiber.await(fiber), Exit.isSuccess)),
    number
  }
}

/** Both of them. */
export const bothRecorded = (first: Recorded | undefined, second: Recorded): Recorded =>
  first === undefined ? second : {
    isWritten: () => first.isWritten() && second.isWritten(),
    written: Effect.zipWith(first.written, second.written, (a, b) => a && b),
    number: second.number
  }
