// A ledger on a real disk, used as it is meant to be, and what it says where it cannot be opened. Damage of every kind:
// damage.test.ts; crashes and full disks: crash.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import { join } from "node:path"
import { LedgerError } from "../../src/ledger/ledger-error.ts"
import { scratch } from "../support/scratch.ts"
import { fileIn, headIn, NAME, numbered, open, type Text, verify } from "./place.ts"

const refused = (folder: string, name = NAME) => Effect.flip(Effect.scoped(open(folder, name)))

/** A ledger with this many records, closed. */
const filled = Effect.fnUntraced(function*(count: number) {
  const folder = yield* scratch
  yield* Effect.scoped(Effect.gen(function*() {
    const { ledger } = yield* open(folder)
    for (let i = 0; i < count; i++) yield* ledger.append(numbered(i))
  }))
  return folder
})

const texts = (folder: string) =>
  Effect.scoped(Effect.map(open(folder), ({ replayed }) => replayed.map(({ record }) => record.text)))

const anew = (folder: string) => `move ${fileIn(folder)} and ${headIn(folder)} aside to begin anew, with nothing in it`

describe("a ledger", () => {
  it.effect("gives the next who opens it every record, in order, as the one who appended it saw it", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const seen = yield* Effect.scoped(Effect.gen(function*() {
        const { ledger, lines, replayed } = yield* open(folder)
        assert.deepStrictEqual(replayed, [])
        assert.strictEqual(ledger.position().n, 0)
        yield* TestClock.setTime(Date.parse("2026-11-25T19:30:00.000Z"))
        const first = yield* ledger.append(numbered(0))
        assert.deepStrictEqual(first, { n: 1, at: Date.parse("2026-11-25T19:30:00.000Z"), record: numbered(0) })
        yield* TestClock.adjust("7 millis")
        const second = yield* ledger.append(numbered(1), { head: true })
        assert.deepStrictEqual(second, { n: 2, at: Date.parse("2026-11-25T19:30:00.007Z"), record: numbered(1) })
        assert.strictEqual(ledger.position().n, 2)
        assert.deepStrictEqual(lines, [])
        return [first, second]
      }))
      const { ledger, lines, replayed } = yield* open(folder)
      assert.deepStrictEqual(replayed, seen)
      assert.strictEqual(ledger.position().n, 2)
      assert.strictEqual((yield* ledger.append(numbered(2))).n, 3)
      assert.deepStrictEqual(lines, [])
    }))

  it.live("is for the owner alone, and leaves nothing else in its folder", () =>
    Effect.gen(function*() {
      const folder = yield* filled(1)
      assert.deepStrictEqual(fs.readdirSync(folder).toSorted(), ["chain.key", "grants", "grants.head"])
      for (const name of fs.readdirSync(folder)) {
        assert.strictEqual(fs.statSync(join(folder, name)).mode & 0o7777, 0o600)
      }
    }))

  it.live("keeps the order of the calls, whoever waits for what", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const finished: Array<number> = []
      yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        (i) =>
          Effect.map(ledger.append(numbered(i), { head: i % 3 === 0 }), ({ n }) => {
            assert.strictEqual(n, i + 1)
            if (i % 3 !== 0) finished.push(i)
          }),
        { concurrency: "unbounded", discard: true }
      )
      assert.deepStrictEqual(finished, finished.toSorted((a, b) => a - b))
      assert.deepStrictEqual(yield* Effect.map(verify(folder), (verdict) => verdict), {
        _tag: "Whole",
        count: 100,
        n: 100
      })
    }))

  it.live("has a record in the file when an append is done, and in the head when it waited for that", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const nInHead = () => {
        const bytes = fs.readFileSync(headIn(folder))
        return Math.max(...[4, 4100].map((at) => Number(bytes.readBigUInt64BE(at))))
      }
      for (let i = 1; i <= 5; i++) {
        const { n } = yield* ledger.append(numbered(i), { head: true })
        assert.include(fs.readFileSync(fileIn(folder), "latin1"), `"text":"record-${i}"`)
        assert.strictEqual(nInHead(), n)
      }
    }))

  it.live("writes what an interrupted caller asked for, and goes on", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const waiting: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 20; i++) {
        waiting.push(
          yield* Effect.forkChild(ledger.append(numbered(i), { head: i % 2 === 0 }), { startImmediately: true })
        )
      }
      yield* Fiber.interruptAll(waiting.filter((_, i) => i % 4 !== 0))
      for (const [i, fiber] of waiting.entries()) {
        const exit = yield* Fiber.await(fiber)
        assert.strictEqual(Exit.isSuccess(exit), i % 4 === 0)
      }
      assert.strictEqual((yield* ledger.append(numbered(20))).n, 21)
      const { replayed } = yield* Effect.scoped(open(folder))
      assert.deepStrictEqual(replayed.map(({ record }) => record), Array.from({ length: 21 }, (_, i) => numbered(i)))
    }).pipe(Effect.scoped))

  it.live("writes what it was given before it closes, and takes nothing afterwards", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const scope = Scope.makeUnsafe()
      const { ledger } = yield* Effect.provideService(open(folder), Scope.Scope, scope)
      const waiting: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let i = 0; i < 10; i++) {
        waiting.push(yield* Effect.forkChild(ledger.append(numbered(i)), { startImmediately: true }))
      }
      yield* Scope.close(scope, Exit.void)
      for (const fiber of waiting) assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
      assert.strictEqual((yield* Effect.flip(ledger.append(numbered(10)))).message, `${fileIn(folder)} is closed`)
      assert.strictEqual((yield* texts(folder)).length, 10)
    }))

  it.live("refuses a record that cannot stand in a line, writes nothing of it, and goes on", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { ledger } = yield* open(folder)
      const error = yield* Effect.flip(ledger.append({ text: "", n: 7 } as Text))
      assert.instanceOf(error, LedgerError)
      assert.match(
        error.message,
        /^a record cannot be written to .*\/grants: its field "n" has a name that every line uses/
      )
      assert.match((yield* Effect.flip(ledger.append({ text: "x".repeat(65_536) }))).message, /longer than \d+ bytes$/)
      assert.strictEqual(fs.statSync(fileIn(folder)).size, 0)
      const long = { text: "x".repeat(65_000) }
      yield* Effect.all([ledger.append(numbered(0)), ledger.append(long), ledger.append(long), ledger.append(long)], {
        concurrency: "unbounded"
      })
      const found = yield* Effect.scoped(open(folder))
      assert.deepStrictEqual(found.replayed.map(({ record }) => record), [numbered(0), long, long, long])
    }).pipe(Effect.scoped))
})

describe("what a crash leaves", () => {
  const tails: ReadonlyArray<readonly [string, Buffer]> = [
    ["half a line", Buffer.from("{\"v\":1,\"n\":4,\"at\":\"2026")],
    ["a byte", Buffer.from("{")],
    ["NULs", Buffer.alloc(300)],
    ["more NULs than a line has bytes", Buffer.alloc(300_000)],
    ["half a line and NULs", Buffer.concat([Buffer.from("{\"v\":1,\"n\":4,"), Buffer.alloc(100_000)])],
    [
      "a later block that was written before an earlier one",
      Buffer.concat([
        Buffer.from("{\"v\":1,\"n\":4,"),
        Buffer.alloc(4096),
        Buffer.from("\"mac\":\"00\"}\n{\"v\":1,\"n\":5}\n")
      ])
    ]
  ]
  for (const [what, tail] of tails) {
    it.live(`is dropped with a warning and cut off at the next write: ${what}`, () =>
      Effect.gen(function*() {
        const folder = yield* filled(3)
        const whole = fs.readFileSync(fileIn(folder))
        fs.appendFileSync(fileIn(folder), tail)
        assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 3, n: 3 })
        const { lines } = yield* Effect.scoped(open(folder))
        assert.deepStrictEqual(lines, [[4, `the last line of ${fileIn(folder)} was not finished and is dropped`]])
        assert.strictEqual(fs.statSync(fileIn(folder)).size, whole.length + tail.length)
        yield* Effect.scoped(Effect.flatMap(open(folder), ({ ledger }) => ledger.append(numbered(3))))
        const after = fs.readFileSync(fileIn(folder))
        assert.isTrue(after.subarray(0, whole.length).equals(whole))
        assert.strictEqual(after.indexOf("\n", whole.length), after.length - 1)
        const { lines: none, replayed } = yield* Effect.scoped(open(folder))
        assert.deepStrictEqual(none, [])
        assert.deepStrictEqual(replayed.map(({ record }) => record), [0, 1, 2, 3].map(numbered))
      }))
  }

  it.live("are records that the head does not know yet: the head is brought up", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      const old = fs.readFileSync(headIn(folder))
      yield* Effect.scoped(
        Effect.flatMap(open(folder), ({ ledger }) => Effect.forEach([2, 3, 4, 5], (i) => ledger.append(numbered(i))))
      )
      const whole = fs.readFileSync(fileIn(folder))
      fs.writeFileSync(headIn(folder), old)
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 6, n: 6 })
      assert.strictEqual((yield* texts(folder)).length, 6)
      fs.truncateSync(fileIn(folder), whole.lastIndexOf("\n", -2) + 1)
      assert.match((yield* refused(folder)).message, /records are missing at the end \(there are 5, and there were 6\)/)
    }))

  it.live("is a file or a head that was just being made", () =>
    Effect.gen(function*() {
      const folder = yield* filled(0)
      fs.rmSync(fileIn(folder))
      assert.deepStrictEqual(yield* texts(folder), [])
      fs.writeFileSync(`${headIn(folder)}.new`, "half")
      fs.rmSync(headIn(folder))
      fs.rmSync(fileIn(folder))
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 0, n: 0 })
      assert.deepStrictEqual(yield* texts(folder), [])
      assert.deepStrictEqual(fs.readdirSync(folder).toSorted(), ["chain.key", "grants", "grants.head"])
    }))
})

describe("a ledger is not opened", () => {
  it.live("where records are missing at the end, and says what to do", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      const old = fs.readFileSync(fileIn(folder))
      yield* Effect.scoped(Effect.flatMap(open(folder), ({ ledger }) => ledger.append(numbered(2))))
      fs.writeFileSync(fileIn(folder), old)
      const error = yield* refused(folder)
      assert.instanceOf(error, LedgerError)
      assert.strictEqual(
        error.message,
        `${fileIn(folder)}:3: records are missing at the end (there are 2, and there were 3): `
          + "an old copy was put back or its end was cut off"
      )
      assert.strictEqual(error.hint, anew(folder))
      // what the hint says helps
      fs.renameSync(fileIn(folder), join(folder, "aside"))
      fs.renameSync(headIn(folder), join(folder, "aside.head"))
      assert.deepStrictEqual(yield* texts(folder), [])
    }))

  it.live("where the file or its head is missing and the other says that there are records", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      const [file, head] = [fileIn(folder), headIn(folder)]
      fs.renameSync(file, `${file}.aside`)
      assert.strictEqual(
        (yield* refused(folder)).message,
        `${file} is missing, and ${head} says that it had records (2)`
      )
      fs.renameSync(`${file}.aside`, file)
      fs.rmSync(head)
      const { hint, message } = yield* refused(folder)
      assert.strictEqual(message, `${head} is missing, and ${file} has records (2)`)
      assert.strictEqual(hint, anew(folder))
      assert.isFalse(fs.existsSync(head))
    }))

  it.live("where it is another ledger's, alone or with its head", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      yield* Effect.scoped(Effect.flatMap(open(folder, "other"), ({ ledger }) => ledger.append(numbered(7))))
      const swap = (one: string, two: string) => {
        fs.renameSync(one, `${one}.aside`)
        fs.renameSync(two, one)
        fs.renameSync(`${one}.aside`, two)
      }
      swap(fileIn(folder), join(folder, "other"))
      assert.match((yield* refused(folder)).message, /\/grants:1: record 1 is not as it was written/)
      assert.match((yield* refused(folder, "other")).message, /\/other:1: record 1 is not as it was written/)
      swap(headIn(folder), join(folder, "other.head"))
      assert.match((yield* refused(folder)).message, /\/grants:1: record 1 is not as it was written/)
      swap(fileIn(folder), join(folder, "other"))
      assert.match((yield* refused(folder)).message, /\/grants\.head is damaged, or chain\.key is not the key/)
      swap(headIn(folder), join(folder, "other.head"))
      assert.strictEqual((yield* texts(folder)).length, 2)
    }))

  it.live("where its file went another way than its head", () =>
    Effect.gen(function*() {
      const folder = yield* filled(1)
      const copy = join(folder, "copy")
      fs.cpSync(folder, `${folder}.copy`, { recursive: true })
      fs.renameSync(`${folder}.copy`, copy)
      const append = (to: string, text: string) =>
        Effect.scoped(Effect.flatMap(open(to), ({ ledger }) => ledger.append({ text })))
      yield* append(folder, "this way")
      yield* append(copy, "that way")
      yield* append(copy, "and on")
      fs.copyFileSync(fileIn(copy), fileIn(folder))
      const message = `${fileIn(folder)} is not the file that ${headIn(folder)} was written for`
      assert.strictEqual((yield* refused(folder)).message, message)
    }))

  it.live("where its key is another one", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      fs.writeFileSync(join(folder, "chain.key"), Buffer.alloc(32))
      assert.match(
        (yield* refused(folder)).message,
        /\/grants:1: .*, or chain\.key is not the key that it was written with/
      )
    }))

  it.live("where a record in it means nothing, and says which", () =>
    Effect.gen(function*() {
      const folder = yield* filled(1)
      yield* Effect.scoped(Effect.flatMap(open(folder), ({ ledger }) => ledger.append({ what: 7 } as never)))
      const { hint, message } = yield* refused(folder)
      assert.strictEqual(message, `${fileIn(folder)}:2: expected a text, got something else`)
      assert.strictEqual(hint, anew(folder))
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 2, n: 2 })
    }))

  it.live("where a newer version wrote a line of it", () =>
    Effect.gen(function*() {
      const folder = yield* filled(2)
      fs.appendFileSync(fileIn(folder), "{\"v\":2,\"n\":3,\"more\":true}\n")
      for (const error of [yield* refused(folder), yield* Effect.flip(verify(folder))]) {
        assert.strictEqual(
          error.message,
          `${fileIn(folder)}:3: expected version 1, got 2: a newer gripgate wrote this`
        )
        assert.strictEqual(error.hint, "run that one, or give this one a state directory of its own")
      }
    }))

  it.live("where others may use a file of it, or where it is a link", () =>
    Effect.gen(function*() {
      const folder = yield* filled(1)
      for (const path of [fileIn(folder), headIn(folder)]) {
        fs.chmodSync(path, 0o660)
        const { hint, message } = yield* refused(folder)
        assert.strictEqual(message, `${path} may be used by others (mode 0660)`)
        assert.strictEqual(hint, "only a file of the gate's own user, mode 0600, is used")
        fs.chmodSync(path, 0o600)
        fs.renameSync(path, `${path}.real`)
        fs.symlinkSync(`${path}.real`, path)
        assert.strictEqual(
          (yield* refused(folder)).message,
          `${fileIn(folder)} cannot be opened: too many symbolic links encountered`
        )
        fs.rmSync(path)
        fs.renameSync(`${path}.real`, path)
      }
      assert.strictEqual((yield* texts(folder)).length, 1)
    }))

  it.live("where a line is longer than any", () =>
    Effect.gen(function*() {
      const folder = yield* filled(1)
      fs.appendFileSync(fileIn(folder), "x".repeat(70_000))
      assert.strictEqual(
        (yield* refused(folder)).message,
        `${fileIn(folder)}:2: expected a line of at most 65536 bytes, got a longer one`
      )
    }))
})
