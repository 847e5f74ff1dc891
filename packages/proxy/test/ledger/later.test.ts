// Records that may be written later: they are in nobody's way, keep their place, and are not forgotten.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { scratch } from "../support/scratch.ts"
import { numbered, open, textsIn } from "./place.ts"

describe("a record that may be written later", () => {
  it.live("goes with the next one, in the order of the calls", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const told: Array<unknown> = []
      for (const i of [0, 1]) ledger.put(numbered(i), (result) => void told.push(result), { later: true })
      assert.deepStrictEqual(told, [])
      assert.strictEqual((yield* ledger.append(numbered(2))).n, 3)
      assert.deepStrictEqual(told, [1, 2])
      assert.deepStrictEqual(textsIn(folder), [0, 1, 2].map((i) => numbered(i).text))
    }))

  it.live("is written where nothing follows, and when the ledger is closed", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* Effect.scoped(Effect.gen(function*() {
        const { ledger } = yield* open(folder)
        yield* Effect.callback<void>((resume) => ledger.put(numbered(0), () => resume(Effect.void), { later: true }))
        assert.deepStrictEqual(textsIn(folder), [numbered(0).text])
        ledger.put(numbered(1), () => {}, { later: true })
      }))
      assert.deepStrictEqual(textsIn(folder), [0, 1].map((i) => numbered(i).text))
    }))
})
