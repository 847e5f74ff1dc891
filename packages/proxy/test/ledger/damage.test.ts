// Whatever somebody without the key does to the file of a ledger is found, by who opens it and by who only looks. What may
// pass is judged here from the bytes alone: whole lines as they were written, at least as many as the head knows, and behind
// them nothing but what a crash leaves.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { createSecretKey } from "node:crypto"
import * as fs from "node:fs"
import { genesis, writeLine } from "../../src/ledger/record.ts"
import { verifyLedger } from "../../src/ledger/verify.ts"
import { scratch } from "../support/scratch.ts"
import { fileIn, headIn, NAME, numbered, open, verify } from "./place.ts"

const LF = 0x0a
const COUNT = 4

const linesOf = (bytes: Buffer): ReadonlyArray<Buffer> => {
  const lines: Array<Buffer> = []
  for (let from = 0; from < bytes.length;) {
    const lf = bytes.indexOf(LF, from)
    const to = lf < 0 ? bytes.length : lf + 1
    lines.push(bytes.subarray(from, to))
    from = to
  }
  return lines
}

/** A ledger of four records, and its head as it was after each of them. */
const written = Effect.gen(function*() {
  const folder = yield* scratch
  const heads: Array<Buffer> = []
  const key = yield* Effect.scoped(Effect.gen(function*() {
    const { key, ledger } = yield* open(folder)
    heads.push(fs.readFileSync(headIn(folder)))
    for (let i = 0; i < COUNT; i++) {
      yield* ledger.append(numbered(i), { head: true })
      heads.push(fs.readFileSync(headIn(folder)))
    }
    return key
  }))
  const whole = fs.readFileSync(fileIn(folder))
  return {
    folder,
    whole,
    lines: linesOf(whole),
    heads,
    looked: Effect.result(verifyLedger({ folder, name: NAME, key }))
  }
})

/** How many records of the true lines may be taken from altered bytes, and whether nothing else is wrong with them. */
const judge = (lines: ReadonlyArray<Buffer>, bytes: Buffer, known: number) => {
  const found = linesOf(bytes)
  let good = 0
  while (good < found.length && lines[good]?.equals(found[good]!) === true) good++
  const next = found[good]
  // a crash leaves a line without its end, or blocks that were never written, which read as NULs
  const isTorn = next !== undefined && (next.at(-1) !== LF && next.length < 65_536 || next.includes(0))
  return { good, passes: good >= known && (next === undefined || isTorn) }
}

/** Asserts that who looks and who opens say what is to be said. Leaves the folder as it was written here. */
const assertJudged = Effect.fnUntraced(function*(
  { folder, heads, lines, looked }: Effect.Success<typeof written>,
  bytes: Buffer,
  known: number,
  opens = true
) {
  fs.writeFileSync(fileIn(folder), bytes)
  fs.writeFileSync(headIn(folder), heads[known]!)
  const { good, passes } = judge(lines, bytes, known)
  const seen = yield* looked
  const verdict = Result.isSuccess(seen) ? seen.success : undefined
  if (passes) assert.deepStrictEqual(verdict, { _tag: "Whole", count: good, n: good })
  else if (verdict !== undefined) {
    assert.strictEqual(verdict._tag, "Damaged")
    assert.strictEqual(verdict._tag === "Damaged" ? verdict.line : 0, good + 1)
  } else assert.match(Result.isFailure(seen) ? seen.failure.message : "", /a newer gripgate wrote this$/)
  if (!opens) return
  const opened = yield* Effect.result(Effect.scoped(open(folder)))
  assert.strictEqual(Result.isSuccess(opened), passes)
  if (Result.isSuccess(opened)) {
    const { replayed } = opened.success
    assert.deepStrictEqual(replayed.map(({ record }) => record), Array.from({ length: good }, (_, i) => numbered(i)))
  } else assert.include(opened.failure.message, `${fileIn(folder)}:${good + 1}: `)
})

describe("an altered file is found", () => {
  for (const known of [COUNT, COUNT - 2]) {
    it.live(`whichever byte is another, with a head at ${known}`, () =>
      Effect.gen(function*() {
        const place = yield* written
        for (let at = 0; at < place.whole.length; at++) {
          for (const value of [place.whole[at]! ^ 1, LF, 0]) {
            const bytes = Buffer.from(place.whole)
            bytes[at] = value
            if (value !== place.whole[at]) yield* assertJudged(place, bytes, known, at % 40 === 0)
          }
        }
      }))

    it.live(`wherever it is cut, with a head at ${known}`, () =>
      Effect.gen(function*() {
        const place = yield* written
        for (let at = 0; at <= place.whole.length; at++) {
          yield* assertJudged(place, place.whole.subarray(0, at), known, at % 10 === 0)
        }
      }))

    it.live(`whichever lines are taken out, doubled or in another order, with a head at ${known}`, () =>
      Effect.gen(function*() {
        const place = yield* written
        const order = fc.array(fc.nat(COUNT - 1), { maxLength: COUNT + 2 })
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(order, (order) =>
              Effect.runPromise(assertJudged(place, Buffer.concat(order.map((i) => place.lines[i]!)), known))),
            { seed: 1, numRuns: 150, examples: [[[0, 2, 3]], [[1, 0, 2, 3]], [[0, 1, 2, 3, 3]]] }
          )
        )
      }))

    it.live(`whatever is put in or taken out, with a head at ${known}`, () =>
      Effect.gen(function*() {
        const place = yield* written
        const piece = fc.oneof(
          fc.uint8Array({ maxLength: 8 }),
          fc.constantFrom("\n", "\0", "}\n{", "{\"v\":1,\"n\":5,", ...place.lines.map(String)).map((text) =>
            Buffer.from(text)
          )
        )
        const change = fc.tuple(fc.nat(place.whole.length), fc.nat(200), piece)
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
              const bytes = changes.reduce(
                (bytes, [at, size, piece]) => Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + size)]),
                place.whole
              )
              return Effect.runPromise(assertJudged(place, bytes, known))
            }),
            { seed: 1, numRuns: 300 }
          )
        )
      }))
  }

  it.live("where its chain was computed anew without the key", () =>
    Effect.gen(function*() {
      const place = yield* written
      const key = createSecretKey(Buffer.alloc(32, 7))
      // from each record on, with another text in it
      for (let from = 0; from < COUNT; from++) {
        let last = from === 0 ? genesis(key, "grants") : {
          n: from,
          mac: Buffer.from(place.lines[from - 1]!.toString().slice(-67, -3), "hex")
        }
        const forged: Array<Buffer> = []
        for (let i = from; i < COUNT; i++) {
          const { line, position } = writeLine(key, last, 0, "\"text\":\"forged\"")
          forged.push(line)
          last = position
        }
        yield* assertJudged(place, Buffer.concat([...place.lines.slice(0, from), ...forged]), COUNT)
        yield* assertJudged(place, Buffer.concat([...place.lines.slice(0, from), ...forged]), from)
      }
    }))
})

describe("an altered head", () => {
  it.live("takes nothing away unseen, whichever byte is another", () =>
    Effect.gen(function*() {
      const { folder, heads, whole, lines } = yield* written
      const shorter = Buffer.concat(lines.slice(0, -1))
      for (const at of Array.from({ length: 76 }, (_, i) => [i, i + 4096]).flat()) {
        const head = Buffer.from(heads[COUNT]!)
        head[at]! ^= 1
        fs.writeFileSync(headIn(folder), head)
        fs.writeFileSync(fileIn(folder), whole)
        const full = yield* Effect.result(verify(folder))
        if (Result.isSuccess(full) && full.success._tag === "Whole") assert.strictEqual(full.success.n, COUNT)
        fs.writeFileSync(fileIn(folder), shorter)
        const cut = yield* Effect.result(verify(folder))
        assert.isTrue(Result.isFailure(cut) || cut.success._tag === "Damaged", String(at))
        assert.isTrue(Result.isFailure(yield* Effect.result(Effect.scoped(open(folder)))))
      }
    }))

  it.live("hides no cut with one slot over the other", () =>
    Effect.gen(function*() {
      const { folder, heads, lines } = yield* written
      for (const [from, to] of [[0, 4096], [4096, 0]] as const) {
        const head = Buffer.from(heads[COUNT]!)
        head.copy(head, to, from, from + 76)
        fs.writeFileSync(headIn(folder), head)
        for (let left = 0; left <= COUNT; left++) {
          fs.writeFileSync(fileIn(folder), Buffer.concat(lines.slice(0, left)))
          assert.strictEqual((yield* verify(folder))._tag, "Damaged")
        }
      }
    }))
})
