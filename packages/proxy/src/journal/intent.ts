// What is written down of a use before its answer is released, and what came of it.
import * as Effect from "effect/Effect"
import type { Result } from "./record.ts"

/** What was written down of a use before its answer is released. */
export interface Intent {
  /** Whether it is durable by now: then nobody has to wait. */
  readonly isWritten: () => boolean
  /** Waits until it is durable; false where it cannot be written, and then nothing may be released. Uninterruptible. */
  readonly written: Effect.Effect<boolean>
  /**
   * What came of it, appended and not waited for; only the first call counts. `detail` is a reason, or an error of the agent
   * with its number first, and never data. `grantsAt` is the last durable record of the grants' ledger, where the use was
   * counted there.
   */
  readonly outcome: (what: Result, detail?: string, grantsAt?: number) => void
}

/** An intent on its way to the disk. `settle` says whether it got there. */
export const makeIntent = (
  tell: (what: Result, detail: string | undefined, grantsAt: number | undefined) => void
): Intent & { readonly settle: (written: boolean) => void } => {
  let written: boolean | undefined
  let told = false
  let waiting: Array<(written: boolean) => void> = []
  return {
    isWritten: () => written === true,
    written: Effect.uninterruptible(Effect.callback<boolean>((resume) => {
      if (written === undefined) waiting.push((written) => resume(Effect.succeed(written)))
      else resume(Effect.succeed(written))
    })),
    outcome: (what, detail, grantsAt) => {
      // of what could not be written nothing came
      if (told || written === false) return
      told = true
      tell(what, detail, grantsAt)
    },
    settle: (result) => {
      written = result
      for (const resume of waiting) resume(result)
      waiting = []
    }
  }
}
