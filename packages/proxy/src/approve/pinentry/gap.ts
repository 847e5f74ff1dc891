// The time between two dialogs: a key or a click that was meant for the one is not to answer the next.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds. A double click is over in less, and so is a key that bounces. */
export const GAP = 300

export class Gap {
  /** When the last dialog ended, in milliseconds of the monotonic clock; before any, long ago. */
  private ended = Number.NEGATIVE_INFINITY
  private open = false

  /** Waits until another dialog may be shown, and takes it for shown. */
  readonly begin: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    const wait = this.ended + GAP - (yield* now)
    if (wait > 0) yield* Effect.sleep(wait)
    this.open = true
  })

  /** The dialog is over, if there was one. */
  readonly end: Effect.Effect<void> = Effect.gen({ self: this }, function*() {
    if (!this.open) return
    this.open = false
    this.ended = yield* now
  })
}

const now: Effect.Effect<number> = Effect.map(
  Clock.Clock,
  (clock) => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000
)
