// Which of several agents has a key. The first that is named has it, where more than one does; one that hangs is not waited for
// long where another has it.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"

/** How long it is believed where a key is, in milliseconds. */
const MEMORY = 30_000
/** Milliseconds for an agent that is named earlier, once a later one has said that it has the key. */
const GRACE = 500
/** Keys that are remembered at once. */
const MAX_PLACES = 4096

export class KeyPlaces {
  private readonly places = new Map<Keygrip, { readonly index: number; readonly until: number }>()
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  /**
   * The number of the agent that has a key; `undefined` where none says so. `has` asks one of `count` agents and fails where it
   * does not answer; whoever is interrupted leaves nothing behind.
   */
  find(keygrip: Keygrip, count: number, has: (index: number) => Effect.Effect<boolean, unknown>) {
    return Effect.suspend((): Effect.Effect<number | undefined> => {
      const known = this.places.get(keygrip)
      if (known !== undefined && this.now() < known.until) return Effect.succeed(known.index)
      return Effect.tap(Effect.scoped(ask(count, has)), (index) => Effect.sync(() => this.note(keygrip, index)))
    })
  }

  /** A key that is not where it was, or somewhere else from now on. */
  forget(keygrip?: Keygrip): void {
    if (keygrip === undefined) this.places.clear()
    else this.places.delete(keygrip)
  }

  private note(keygrip: Keygrip, index: number | undefined): void {
    if (index === undefined) return
    if (this.places.size >= MAX_PLACES) this.places.clear()
    this.places.set(keygrip, { index, until: this.now() + MEMORY })
  }
}

/** The first agent that has it, in their order. */
const ask = Effect.fnUntraced(function*(count: number, has: (index: number) => Effect.Effect<boolean, unknown>) {
  const answers = yield* Queue.unbounded<readonly [index: number, yes: boolean]>()
  for (let index = 0; index < count; index++) {
    yield* Effect.forkScoped(
      has(index).pipe(
        Effect.catch(() => Effect.succeed(false)),
        Effect.tap((yes) => Queue.offer(answers, [index, yes]))
      )
    )
  }
  const open = new Set(Array.from({ length: count }, (_, index) => index))
  let best: number | undefined
  for (;;) {
    const found = best
    if (open.size === 0 || found !== undefined && [...open].every((index) => index > found)) return found
    const next: Option.Option<readonly [number, boolean]> = found === undefined
      ? Option.some(yield* Queue.take(answers))
      : yield* Effect.timeoutOption(Queue.take(answers), GRACE)
    if (Option.isNone(next)) return found
    const [index, yes] = next.value
    open.delete(index)
    if (yes && (best === undefined || index < best)) best = index
  }
})
