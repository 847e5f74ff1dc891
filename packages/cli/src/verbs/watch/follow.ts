// What a gate tells a watcher, as long as there is one: when it goes, it is looked for each second.
import { ControlError, watchControl } from "@gripgate/proxy/control/client"
import type { Snapshot } from "@gripgate/proxy/control/message/asked"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

export interface Follower {
  readonly snapshot: (snapshot: Snapshot) => void
  readonly gone: (why: string) => void
}

/** Milliseconds until a gate that has gone is looked for again. */
const AGAIN = 1_000

/** Milliseconds for the first snapshot. */
const PATIENCE = 5_000

/** Follows for ever. Fails where no gate was ever reached, and where this user or program may not watch. */
export const follow = (path: string, tell: Follower): Effect.Effect<never, ControlError> =>
  Effect.suspend(() => {
    let met = false
    const one = watchOne(path, {
      ...tell,
      snapshot: (snapshot) => {
        met = true
        tell.snapshot(snapshot)
      }
    })
    return Effect.forever(
      Effect.catch(one, (error) => {
        if (!met || error.reason === "notPermitted") return Effect.fail(error)
        tell.gone(error.message)
        return Effect.sleep(AGAIN)
      })
    )
  })

/** One connection, until it ends. */
const watchOne = (path: string, tell: Follower): Effect.Effect<never, ControlError> =>
  Effect.scoped(Effect.gen(function*() {
    const queue = yield* watchControl(path)
    const first = yield* Effect.timeoutOrElse(Queue.take(queue), {
      duration: PATIENCE,
      orElse: () =>
        Effect.fail(
          new ControlError({
            reason: "misunderstood",
            message: `the gate at ${path} says nothing within ${PATIENCE / 1000} s`
          })
        )
    })
    tell.snapshot(first)
    // whoever is late has no use for what was in between
    return yield* Effect.forever(Effect.map(Queue.takeAll(queue), (all) => tell.snapshot(all.at(-1)!)))
  }))
