import { assert, describe, it } from "@effect/vitest"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { KeyPlaces } from "../../../src/upstream/merged/places.ts"

const GRIP = "A".repeat(40) as Keygrip

/** Agents that say yes or no after so many milliseconds, fail, or never answer. */
const agents = (...answers: ReadonlyArray<readonly [yes: boolean | "fails" | "never", after?: number]>) => {
  const asked: Array<number> = []
  const left: Array<number> = []
  const has = (index: number): Effect.Effect<boolean, string> => {
    asked.push(index)
    const [yes, after = 0] = answers[index]!
    const answer = yes === "never" ? Effect.never : yes === "fails" ? Effect.fail("gone") : Effect.succeed(yes)
    return Effect.delay(answer, after).pipe(Effect.onInterrupt(() => Effect.sync(() => void left.push(index))))
  }
  return { asked, left, has, count: answers.length }
}

const settle = Effect.repeat(Effect.andThen(TestClock.adjust(0), Effect.yieldNow), { times: 5 })

const find = (places: KeyPlaces, { count, has }: ReturnType<typeof agents>, millis: number) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(places.find(GRIP, count, has))
    // whoever answers at once has been heard before time goes on
    yield* settle
    yield* TestClock.adjust(millis)
    yield* settle
    return fiber.pollUnsafe()?._tag === "Success" ? yield* Fiber.join(fiber) : "waits"
  })

describe("KeyPlaces", () => {
  it.effect("is the first that has it, also where a later one answers sooner", () =>
    Effect.gen(function*() {
      const places = () => new KeyPlaces(() => 0)
      assert.strictEqual(yield* find(places(), agents([true, 300], [true, 0]), 300), 0)
      assert.strictEqual(yield* find(places(), agents([false, 100], [true, 0]), 100), 1)
      assert.strictEqual(yield* find(places(), agents(["fails"], [false], [true]), 0), 2)
      assert.isUndefined(yield* find(places(), agents([false], ["fails"]), 0))
    }))

  it.effect("does not wait long for one that hangs, where another has it, and leaves it", () =>
    Effect.gen(function*() {
      const hung = agents(["never"], [true, 0])
      assert.strictEqual(yield* find(new KeyPlaces(() => 0), hung, 499), "waits")
      const again = agents(["never"], [true, 0])
      assert.strictEqual(yield* find(new KeyPlaces(() => 0), again, 500), 1)
      assert.deepStrictEqual(again.left, [0])
      // a later one is not waited for at all
      assert.strictEqual(yield* find(new KeyPlaces(() => 0), agents([true], ["never"]), 0), 0)
    }))

  it.effect("is remembered for a while, but not that nobody has it", () =>
    Effect.gen(function*() {
      let now = 0
      const places = new KeyPlaces(() => now)
      const nobody = agents([false], [false])
      yield* find(places, nobody, 0)
      yield* find(places, nobody, 0)
      assert.lengthOf(nobody.asked, 4)
      const one = agents([false], [true])
      yield* find(places, one, 0)
      now = 29_999
      assert.strictEqual(yield* find(places, one, 0), 1)
      assert.lengthOf(one.asked, 2)
      now = 30_000
      yield* find(places, one, 0)
      assert.lengthOf(one.asked, 4)
      places.forget()
      yield* find(places, one, 0)
      assert.lengthOf(one.asked, 6)
    }))
})
