// A head that may be behind: nobody's record waits for it who does not ask, and it is never behind for longer than it may be.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { newest, readHead } from "../../src/ledger/head.ts"
import { openLedger } from "../../src/ledger/ledger.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { decode, fileIn, keyOf, NAME, numbered, verify } from "./place.ts"

const place = Effect.fnUntraced(function*(folder: string, headWithin: number) {
  const key = yield* keyOf(folder)
  const ledger = yield* Effect.provide(
    openLedger({ folder, name: NAME, key, decode, replay: () => {}, headWithin }),
    recordingLog().layer
  )
  const headAt = Effect.promise(async () => newest((await readHead(key, NAME, fileIn(folder)))!)?.n)
  return { ledger, headAt }
})

describe("a head that may be behind", () => {
  it.live("is written for who waits for it, and when the ledger is closed", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { headAt } = yield* Effect.scoped(Effect.gen(function*() {
        const { headAt, ledger } = yield* place(folder, 3_600_000)
        for (let i = 0; i < 5; i++) yield* ledger.append(numbered(i))
        assert.strictEqual(yield* headAt, 0)
        assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 5, n: 5 })
        yield* ledger.append(numbered(5), { head: true })
        assert.strictEqual(yield* headAt, 6)
        yield* ledger.append(numbered(6))
        assert.strictEqual(yield* headAt, 6)
        return { headAt }
      }))
      assert.strictEqual(yield* headAt, 7)
    }))

  it.live("is written after its time, also where nothing follows", () =>
    Effect.gen(function*() {
      const { headAt, ledger } = yield* place(yield* scratch, 20)
      yield* ledger.append(numbered(0))
      while ((yield* headAt) !== 1) yield* Effect.sleep(5)
      yield* Effect.all([1, 2, 3].map((i) => ledger.append(numbered(i))), { concurrency: "unbounded" })
      while ((yield* headAt) !== 4) yield* Effect.sleep(5)
    }))
})
