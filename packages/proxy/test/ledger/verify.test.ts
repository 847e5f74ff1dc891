// What `verifyLedger` calls the damage, and that it is no bother to a gate that has the ledger open.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fs from "node:fs"
import { scratch } from "../support/scratch.ts"
import { fileIn, headIn, numbered, open, verify } from "./place.ts"

describe("verifyLedger", () => {
  it.live("names the first thing that is wrong, and its line", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const file = fileIn(folder)
      yield* Effect.scoped(
        Effect.flatMap(open(folder), ({ ledger }) => Effect.forEach([0, 1, 2, 3, 4], (i) => ledger.append(numbered(i))))
      )
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 5, n: 5 })
      const whole = fs.readFileSync(file, "utf8")
      const lines = whole.match(/.*\n/g)!
      const take = (...numbers: ReadonlyArray<number>) => numbers.map((n) => lines[n - 1]).join("")
      const cases: ReadonlyArray<readonly [text: string, kind: string, line: number, what: string]> = [
        [whole.replace("record-2", "record-7"), "altered", 3, "record 3 is not as it was written"],
        [take(1, 2, 4, 5), "missing", 3, "expected record 3, got record 4: records are missing in between"],
        [take(3, 4, 5), "missing", 1, "expected record 1, got record 3: records are missing in between"],
        [take(1, 3, 2, 4, 5), "reordered", 2, "expected record 2, got record 3: records are out of order"],
        [take(2, 1, 3, 4, 5), "reordered", 1, "expected record 1, got record 2: records are out of order"],
        [take(1, 2, 2, 3, 4, 5), "reordered", 3, "expected record 3, got record 2: it is here twice, or out of order"],
        [
          take(1, 2, 3),
          "cut off",
          4,
          "records are missing at the end (there are 3, and there were 5): "
          + "an old copy was put back or its end was cut off"
        ]
      ]
      for (const [text, kind, line, what] of cases) {
        fs.writeFileSync(file, text)
        const message = `${file}:${line}: ${what}`
        assert.deepStrictEqual(yield* verify(folder), { _tag: "Damaged", kind, line, message } as never)
      }
      fs.rmSync(file)
      const head = headIn(folder)
      assert.deepStrictEqual(yield* verify(folder), {
        _tag: "Damaged",
        kind: "missing",
        line: undefined,
        message: `${file} is missing, and ${head} says that it had records (5)`
      })
    }))

  it.live("changes nothing, and can do without the right to", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* Effect.scoped(Effect.flatMap(open(folder), ({ ledger }) => ledger.append(numbered(0))))
      fs.appendFileSync(fileIn(folder), "{\"v\":1,\"n\":2,")
      const contents = () => fs.readdirSync(folder).map((name) => fs.readFileSync(`${folder}/${name}`, "hex"))
      const before = contents()
      for (const path of [fileIn(folder), headIn(folder)]) fs.chmodSync(path, 0o400)
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 1, n: 1 })
      assert.deepStrictEqual(contents(), before)
    }))

  it.live("finds nothing wrong at any moment of a gate that writes", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const writing = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: 300 }, (_, i) => i),
        (i) => ledger.append(numbered(i), { head: i % 2 === 0 }),
        { concurrency: 7, discard: true }
      ))
      let last = 0
      for (let looks = 0; writing.pollUnsafe() === undefined; looks++) {
        const atLeast = ledger.position().n
        const verdict = yield* verify(folder)
        assert.strictEqual(verdict._tag, "Whole", JSON.stringify(verdict))
        const { n } = verdict as { readonly n: number }
        assert.isAtLeast(n, Math.max(last, atLeast))
        last = n
      }
      yield* Fiber.join(writing)
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 300, n: 300 })
    }).pipe(Effect.scoped))
})
