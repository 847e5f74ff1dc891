// Whose dialog is on the owner's terminal, the agent's or the gate's. Two programs cannot share one: what is typed goes to either
// of them, and the one that leaves changes the modes of the other. The agent asks for passphrases, and holds its only lock while
// it does, so it is the gate's own dialog that makes way.
import * as Effect from "effect/Effect"

export class AgentDialogs {
  private open = 0
  private own = 0
  private readonly waiting = new Set<() => void>()

  /** The agent shows a dialog; what comes back, called once, says that it is over. */
  begin(): () => void {
    this.open++
    this.tell()
    return () => {
      this.open--
      this.tell()
    }
  }

  /** Waits until the agent shows none. */
  readonly free: Effect.Effect<void> = this.until(() => this.open === 0)

  /** Waits until it shows one. */
  readonly busy: Effect.Effect<void> = this.until(() => this.open > 0)

  /** Runs the gate's own dialog, as long as the agent shows none; `undefined` where one of the agent's came. */
  beside<A, E>(dialog: Effect.Effect<A, E>): Effect.Effect<A | undefined, E> {
    const counted = Effect.acquireUseRelease(
      Effect.sync(() => void this.own++),
      () => dialog,
      () =>
        Effect.sync(() => {
          this.own--
          this.tell()
        })
    )
    return Effect.raceFirst(counted, Effect.as(this.busy, undefined))
  }

  /** Waits until the gate's own dialog has left the terminal, which it does as soon as the agent's has been told. */
  readonly left: Effect.Effect<void> = this.until(() => this.own === 0)

  private until(condition: () => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const look = (): void => {
        if (!condition()) return
        this.waiting.delete(look)
        resume(Effect.void)
      }
      this.waiting.add(look)
      look()
      return Effect.sync(() => void this.waiting.delete(look))
    })
  }

  private tell(): void {
    for (const look of this.waiting) look()
  }
}
