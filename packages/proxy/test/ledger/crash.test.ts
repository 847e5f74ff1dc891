// Real processes that are killed, or whose disk is full, at every single thing that they do to the disk. What they had
// acknowledged is there afterwards; nothing is there twice; the ledger goes on.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Variant } from "../support/crash-at.ts"
import type { Operation } from "../support/every-operation.ts"
import { scratch } from "../support/scratch.ts"
import { fileIn, headIn, NAME, numbered, open, verify } from "./place.ts"
import { run } from "./run-program.ts"

type Operations = ReadonlyArray<readonly [Operation, string]>

const HEAD = `${NAME}.head`

/** All acknowledged records in the order of their numbers, or the test's expectation is not worth much. */
const assertInOrder = (durable: ReadonlyArray<string>) =>
  assert.deepStrictEqual(durable, durable.map((_, i) => numbered(i).text))

/** A test's folders, one for each program, and what a program does that nothing happens to. */
const bench = Effect.gen(function*() {
  const directory = yield* scratch
  let folders = 0
  const place = () => join(directory, String(folders++), "state")
  const { durable, operations } = yield* run(place())
  assertInOrder(durable)
  assert.strictEqual(durable.length, 6)
  return { place, operations }
})

/** Where each operation of a kind stands, counted from 1. */
const places = (operations: Operations, operation: Operation, path: string): ReadonlyArray<number> =>
  operations.flatMap(([o, p], i) => o === operation && p === path ? [i + 1] : [])

/** Asserts that a folder holds what was acknowledged and at most what was asked for, and that it goes on from there. */
const assertGoesOn = Effect.fnUntraced(function*(folder: string, acknowledged: ReadonlyArray<string>, at: string) {
  const hadKey = fs.existsSync(join(folder, "chain.key"))
  if (hadKey) assert.strictEqual((yield* verify(folder))._tag, "Whole", at)
  for (const after of [[], ["a"]]) {
    const { ledger, replayed } = yield* Effect.scoped(
      Effect.tap(open(folder), ({ ledger }) => ledger.append({ text: "ab"[after.length]! }, { head: true }))
    )
    const texts = replayed.map(({ record }) => record.text)
    const own = texts.slice(0, texts.length - after.length)
    assert.deepStrictEqual(texts.slice(own.length), after, at)
    assert.deepStrictEqual(own, own.map((_, i) => numbered(i).text), at)
    assert.includeMembers(own, [...acknowledged], at)
    assert.deepStrictEqual(replayed.map(({ n }) => n), replayed.map((_, i) => i + 1), at)
    assert.strictEqual(ledger.position().n, texts.length + 1, at)
  }
  const count = (yield* open(folder)).replayed.length
  assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count, n: count }, at)
  const left = fs.readdirSync(folder).filter((name) => !name.endsWith(".new"))
  assert.deepStrictEqual(left.toSorted(), ["chain.key", NAME, HEAD])
}, Effect.scoped)

describe("a program that is killed", () => {
  for (const variant of ["before", "after", "half", "power"] as const satisfies ReadonlyArray<Variant>) {
    it.live(`keeps what it acknowledged: ${variant} every operation`, () =>
      Effect.gen(function*() {
        const { operations, place } = yield* bench
        const struck = operations.flatMap(([operation], i) =>
          variant !== "half" || operation === "write" ? [i + 1] : []
        )
        yield* Effect.forEach(struck, (n) =>
          Effect.gen(function*() {
            const folder = place()
            const at = `${n}:${variant}`
            const killed = yield* run(folder, { at })
            assert.strictEqual(killed.signal, "SIGKILL", at)
            assertInOrder(killed.durable)
            yield* assertGoesOn(folder, killed.durable, `${at} ${operations[n - 1]?.join(" ")}`)
          }), { concurrency: 3, discard: true })
      }))
  }

  const firsts: ReadonlyArray<readonly [what: string, place: string, variant: Variant]> = [
    ["half a line", NAME, "half"],
    ["a head that is behind", HEAD, "before"],
    ["a torn head", HEAD, "half"]
  ]
  for (const [what, path, variant] of firsts) {
    it.live(`keeps it also where it is killed again while it recovers from ${what}`, () =>
      Effect.gen(function*() {
        const { operations, place } = yield* bench
        const killed = place()
        const one = yield* run(killed, { at: `${places(operations, "write", path)[1]}:${variant}` })
        assert.strictEqual(one.signal, "SIGKILL")
        const again = () => {
          const folder = place()
          fs.cpSync(killed, folder, { recursive: true })
          return folder
        }
        const recovery = (yield* run(again())).operations.slice(0, 8)
        const plans = recovery.flatMap(([operation], i) =>
          (operation === "write" ? ["before", "half", "power"] : ["before", "power"]).map((each) => `${i + 1}:${each}`)
        )
        yield* Effect.forEach(plans, (at) =>
          Effect.gen(function*() {
            const folder = again()
            const two = yield* run(folder, { at })
            assert.strictEqual(two.signal, "SIGKILL", at)
            yield* assertGoesOn(folder, [...one.durable, ...two.durable], at)
          }), { concurrency: 3, discard: true })
      }))
  }

  it.live("makes records that it finds ahead of the head durable before the head says that they are", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const folder = place()
      yield* run(folder, { at: `${places(operations, "fdatasync", NAME)[1]}:before` })
      const again = yield* run(folder)
      assert.deepStrictEqual(again.operations.slice(0, 3), [
        ["fdatasync", NAME],
        ["write", HEAD],
        ["fdatasync", HEAD]
      ])
    }))

  it.live("makes it durable that what was not finished is cut off, before it writes there", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const folder = place()
      yield* run(folder, { at: `${places(operations, "write", NAME)[1]}:half` })
      const again = yield* run(folder)
      assert.deepStrictEqual(again.operations.slice(0, 3), [["truncate", NAME], ["fdatasync", NAME], ["write", NAME]])
      assert.deepStrictEqual(again.logged, [`the last line of ${fileIn(folder)} was not finished and is dropped`])
    }))

  it.live("acknowledges a record before the head is written, unless somebody waits for that", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const heads = places(operations, "write", HEAD)
      const one = yield* run(place(), { at: `${heads[1]}:before` })
      assert.deepStrictEqual(one.durable, ["record-0", "record-1"])
      const last = yield* run(place(), { at: `${heads[3]! + 1}:before` })
      assert.strictEqual(last.durable.length, 5)
    }))
})

describe("a disk that is full, or fails", () => {
  it.live("fails all that went together, leaves nothing of it, and the next record is written", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const [first, , together] = places(operations, "write", NAME)
      const cases: ReadonlyArray<readonly [at: string, failed: ReadonlyArray<number>, reason: string]> = [
        [`${first}:full`, [0], "no space left on device"],
        [`${together}:full`, [2, 3, 4], "no space left on device"],
        // the rest of it does not fit
        [`${together}:short,${together! + 1}:full`, [2, 3, 4], "no space left on device"],
        [`${together! + 1}:fail`, [2, 3, 4], "i/o error"]
      ]
      for (const [at, failed, reason] of cases) {
        const folder = place()
        const ran = yield* run(folder, { at })
        assert.isNull(ran.signal)
        const message = `nothing can be written to ${fileIn(folder)}: ${reason}`
        assert.deepStrictEqual(ran.failed, failed.map((i) => `${numbered(i).text} ${message}`), at)
        const expected = [0, 1, 2, 3, 4, 5].filter((i) => !failed.includes(i)).map((i) => numbered(i).text)
        assert.deepStrictEqual(ran.durable, expected, at)
        const { lines, replayed } = yield* Effect.scoped(open(folder))
        assert.deepStrictEqual(replayed.map(({ record }) => record.text), expected, at)
        assert.deepStrictEqual(lines, [])
        assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: expected.length, n: expected.length })
      }
    }))

  it.live("writes a record in parts where the system takes it so", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      for (const n of operations.flatMap(([operation], i) => operation === "write" ? [i + 1] : [])) {
        const folder = place()
        const ran = yield* run(folder, { at: `${n}:short` })
        assert.strictEqual(ran.durable.length, 6)
        yield* assertGoesOn(folder, ran.durable, String(n))
      }
    }))

  it.live("closes a file whose end cannot be restored", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const second = places(operations, "write", NAME)[1]!
      const folder = place()
      // half a line, no room for the rest, and no way to cut it off
      const ran = yield* run(folder, { at: `${second}:short,${second + 1}:full,${second + 2}:fail` })
      assert.deepStrictEqual(ran.durable, ["record-0"])
      const [full, ...closed] = ran.failed
      assert.match(full!, /^record-1 nothing can be written to .*: no space left on device\?$/)
      assert.strictEqual(closed.length, 4)
      for (const each of closed) {
        assert.match(each, / takes no more records: its end cannot be restored after a failed write: i\/o error$/)
      }
      yield* assertGoesOn(folder, ran.durable, "closed")
    }))

  it.live("says that it is not sure of a record that could not be taken back: it may be there", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const second = places(operations, "write", NAME)[1]!
      const folder = place()
      // the line is whole when it cannot be made durable, and cannot be cut off
      const ran = yield* run(folder, { at: `${second + 1}:fail,${second + 2}:fail` })
      assert.match(ran.failed[0]!, /^record-1 .*: i\/o error\?$/)
      // the others were never begun
      assert.deepStrictEqual(ran.failed.slice(1).filter((each) => each.endsWith("?")), [])
      const { replayed } = yield* Effect.scoped(open(folder))
      assert.deepStrictEqual(replayed.map(({ record }) => record), [0, 1].map(numbered))
      // nor is one of which nothing was written, because what a crash left could not be cut off
      fs.appendFileSync(fileIn(folder), "{")
      const again = yield* run(folder, { at: "1:fail,2:fail" })
      assert.lengthOf(again.failed, 6)
      assert.deepStrictEqual(again.failed.filter((each) => each.endsWith("?")), [])
      assert.lengthOf((yield* Effect.scoped(open(folder))).replayed, 2)
    }))

  it.live("fails nobody whose record is durable and its head is not: the log says what that means", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const heads = places(operations, "write", HEAD)
      const logged = (folder: string, reason: string, after: number) => [
        `${headIn(folder)} cannot be written: ${reason}; until it can, that records after ${after} are cut off from ${
          fileIn(folder)
        } would not be noticed`,
        `${headIn(folder)} is written again`
      ]
      const plans = [
        [`${heads[1]}:full`, "no space left on device", 1],
        [`${heads[1]}:full,${heads[2]! - 1}:full`, "no space left on device", 1],
        [`${heads[2]! + 1}:fail`, "i/o error", 2],
        // whoever waits for the head has waited for the attempt
        [`${heads.at(-1)}:full`, "no space left on device", 5],
        [`${heads.at(-1)! + 1}:fail`, "i/o error", 5]
      ] as const
      for (const [at, reason, after] of plans) {
        const folder = place()
        const ran = yield* run(folder, { at })
        assert.strictEqual(ran.durable.length, 6, at)
        // what is logged while the ledger is closed comes too late to be told
        assert.deepStrictEqual(ran.logged, logged(folder, reason, after).slice(0, after === 5 ? 1 : 2), at)
        if (after === 5) assert.deepStrictEqual(ran.operations.slice(-2), [["write", HEAD], ["fdatasync", HEAD]])
        yield* assertGoesOn(folder, ran.durable, at)
      }
    }))

  it.live("finds a record that its head was never written for, and what is cut off before the head all the same", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const last = places(operations, "write", HEAD).at(-1)!
      for (const variant of ["full", "fail", "short"] as const) {
        const folder = place()
        // in parts: the slot is torn when the rest of it fails
        const failing = variant === "short" ? `${last}:short,${last + 1}:full` : `${last}:${variant}`
        const retried = variant === "short" ? last + 2 : last + 1
        const ran = yield* run(folder, { at: `${failing},${retried}:before` })
        assert.strictEqual(ran.signal, "SIGKILL")
        assert.strictEqual(ran.durable.length, 6)
        const whole = fs.readFileSync(fileIn(folder))
        const cut = (lines: number) => {
          let end = whole.length
          for (let i = 0; i < lines; i++) end = whole.lastIndexOf("\n", end - 2) + 1
          fs.writeFileSync(fileIn(folder), whole.subarray(0, end))
        }
        cut(2)
        assert.match((yield* Effect.flip(Effect.scoped(open(folder)))).message, /records are missing at the end/)
        // a disk that still takes no head: said as what it is, and nothing is lost
        cut(0)
        const refused = yield* run(folder, { at: "2:full" })
        assert.strictEqual(refused.refused, `${headIn(folder)} cannot be written: no space left on device`)
        yield* assertGoesOn(folder, ran.durable, variant)
        // and from then on it is missed
        fs.writeFileSync(fileIn(folder), whole)
        assert.match((yield* Effect.flip(Effect.scoped(open(folder)))).message, /records are missing at the end/)
      }
    }))

  it.live("makes no ledger, and the next one to try makes it", () =>
    Effect.gen(function*() {
      const { operations, place } = yield* bench
      const making = places(operations, "write", NAME)[0]! - 1
      for (let n = 1; n <= making; n++) {
        const folder = place()
        const ran = yield* run(folder, { at: `${n}:fail` })
        assert.match(ran.refused ?? "", /(chain\.key cannot be made|grants cannot be opened): i\/o error$/)
        yield* assertGoesOn(folder, [], `${n}:fail`)
      }
    }))
})

describe("records that come at once", () => {
  it.live("go together: fifty with a few synchronisations", () =>
    Effect.gen(function*() {
      const { place } = yield* bench
      const { durable, operations } = yield* run(place(), { together: 50 })
      assertInOrder(durable)
      assert.strictEqual(durable.length, 53)
      // one for each of the three that come alone, and one for the fifty, which come in one turn
      assert.strictEqual(places(operations, "write", NAME).length, 4)
      assert.strictEqual(places(operations, "fdatasync", NAME).length, 4)
      assert.strictEqual(places(operations, "fdatasync", HEAD).length, 4)
    }))

  it.live("are written with one open, and nothing is read again", () =>
    Effect.gen(function*() {
      const { operations } = yield* bench
      assert.strictEqual(places(operations, "open", NAME).length, 1)
      const first = places(operations, "write", NAME)[0]!
      assert.deepStrictEqual(
        operations.slice(first - 1).map(([operation, path]) => `${operation} ${path}`),
        Array.from({ length: 4 }, () => [`write ${NAME}`, `fdatasync ${NAME}`, `write ${HEAD}`, `fdatasync ${HEAD}`])
          .flat()
      )
    }))
})
