// A ledger that goes on in new files: nothing is lost between two of them, only retention takes any away, and whatever else
// is taken, changed or put back is found.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { createSecretKey } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { olderPath } from "../../src/ledger/files.ts"
import { type Position, writeBegin, writeLine } from "../../src/ledger/record.ts"
import type { Variant } from "../support/crash-at.ts"
import { scratch } from "../support/scratch.ts"
import { fileIn, headIn, NAME, numbered, open, rotating, textsIn, verify } from "./place.ts"
import { run } from "./run-program.ts"

/** Less than two records: a file has two behind its first line. */
const BYTES = 400

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => numbered(from + i).text)

/** Appends records one after the other to a ledger that is opened for it. */
const append = (folder: string, from: number, to: number, keep = 100, bytes = BYTES) =>
  Effect.scoped(Effect.gen(function*() {
    const { rotate } = rotating(bytes, keep)
    const { ledger, lines } = yield* open(folder, NAME, rotate)
    for (let i = from; i < to; i++) yield* ledger.append(numbered(i))
    return lines
  }))

const olderIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder).filter((name) => /^grants\.\d{16}$/.test(name)).toSorted()

/** All files of the ledger with their bytes. */
const contentsOf = (folder: string): ReadonlyMap<string, Buffer> =>
  new Map(fs.readdirSync(folder).map((name) => [name, fs.readFileSync(join(folder, name))]))

const putBack = (folder: string, contents: ReadonlyMap<string, Buffer>): void => {
  for (const name of fs.readdirSync(folder)) fs.rmSync(join(folder, name))
  for (const [name, bytes] of contents) fs.writeFileSync(join(folder, name), bytes, { mode: 0o600 })
}

describe("a ledger that goes on in new files", () => {
  it.live("has one chain and one numbering over all of them", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* append(folder, 0, 20)
      const older = olderIn(folder)
      assert.isAbove(older.length, 3)
      assert.deepStrictEqual(textsIn(folder), texts(0, 20))
      const numbers = [...older, NAME].flatMap((name) =>
        fs.readFileSync(join(folder, name), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line).n)
      )
      assert.deepStrictEqual(numbers, numbers.map((_, i) => i + 1))
      const firsts = older.map((name) => Number(name.slice(NAME.length + 1)))
      for (const [i, name] of older.entries()) {
        const lines = fs.readFileSync(join(folder, name), "utf8")
        assert.strictEqual(JSON.parse(lines.slice(0, lines.indexOf("\n"))).n, firsts[i])
        assert.strictEqual(fs.statSync(join(folder, name)).mode & 0o777, 0o600)
      }
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 20, n: numbers.length })
    }))

  it.live("is opened by its newest file, which has what the writer wanted to know of the others", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* Effect.scoped(Effect.gen(function*() {
        const { carryOn, rotate } = rotating(BYTES, 100)
        const { ledger } = yield* open(folder, NAME, rotate)
        for (let i = 0; i < 9; i++) {
          // what is told is carried on, also by the file that the very next record is written to
          yield* Effect.callback<void>((resume) =>
            ledger.put(numbered(i), () => {
              carryOn({ told: i })
              resume(Effect.void)
            })
          )
        }
      }))
      const newest = fs.readFileSync(fileIn(folder), "utf8").trimEnd().split("\n").slice(1).map((line) =>
        JSON.parse(line).text
      )
      const { rotate, seen } = rotating(BYTES, 100)
      const { replayed } = yield* Effect.scoped(open(folder, NAME, rotate))
      assert.deepStrictEqual(replayed.map(({ record }) => record.text), newest)
      assert.isBelow(newest.length, 9)
      assert.deepStrictEqual(seen, [{ told: 8 - newest.length }])
    }))

  it.live("keeps as many older files as it is told, and what retention took is no damage", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* append(folder, 0, 30, 3)
      assert.strictEqual(olderIn(folder).length, 3)
      const left = textsIn(folder)
      assert.deepStrictEqual(left, texts(30 - left.length, 30))
      const before = yield* verify(folder)
      assert.strictEqual(before._tag, "Whole")
      assert.strictEqual(before._tag === "Whole" ? before.count : 0, left.length)
      // fewer from now on
      yield* append(folder, 30, 34, 1)
      assert.strictEqual(olderIn(folder).length, 1)
      assert.strictEqual((yield* verify(folder))._tag, "Whole")
      assert.strictEqual(textsIn(folder).at(-1), numbered(33).text)
    }))

  it.live("finds nothing wrong at any moment of a gate that writes and drops", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const { rotate } = rotating(1000, 2)
      const { ledger } = yield* open(folder, NAME, rotate)
      const writing = yield* Effect.forkChild(Effect.forEach(
        Array.from({ length: 600 }, (_, i) => i),
        (i) => ledger.append(numbered(i), { head: i % 5 === 0 }),
        { concurrency: 3, discard: true }
      ))
      let last = 0
      let looks = 0
      for (; writing.pollUnsafe() === undefined; looks++) {
        const atLeast = ledger.position().n
        const verdict = yield* verify(folder)
        assert.strictEqual(verdict._tag, "Whole", JSON.stringify(verdict))
        const { n } = verdict as { readonly n: number }
        assert.isAtLeast(n, Math.max(last, atLeast))
        last = n
      }
      yield* Fiber.join(writing)
      assert.isAbove(looks, 3)
      assert.strictEqual(olderIn(folder).length, 2)
    }).pipe(Effect.scoped))
})

describe("damage to a ledger of several files", () => {
  it.live("is found, wherever it is", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* append(folder, 0, 9)
      const halfway = contentsOf(folder)
      yield* append(folder, 9, 20)
      const whole = contentsOf(folder)
      const older = olderIn(folder)
      const [one, two, three] = older as [string, string, string]
      const path = (name: string) => join(folder, name)
      const lines = (name: string) => whole.get(name)!.toString().match(/.*\n/g)!
      const write = (name: string, text: string | Buffer) => fs.writeFileSync(path(name), text)
      const cases: ReadonlyArray<readonly [what: string, damage: () => void, message: RegExp]> = [
        ["the first record", () =>
          write(one, lines(one).slice(1).join("")), /\.0{15}1:1: expected record 1, got record 2/],
        ["a record of an older file", () =>
          write(two, [lines(two)[0], ...lines(two).slice(2)].join("")), /missing in between/],
        ["the end of an older file", () =>
          write(two, lines(two).slice(0, -1).join("")), /:1: expected record \d+, got record/],
        ["the end of a line of an older file", () =>
          write(two, whole.get(two)!.subarray(0, -5)), /is not as it was written/],
        ["the first line of the newest", () =>
          write(NAME, lines(NAME).slice(1).join("")), /grants:1: expected record/],
        ["all of the newest", () =>
          write(NAME, ""), /grants:1: records are missing at the end/],
        ["the oldest file", () =>
          fs.rmSync(path(one)), /0{15}1 is missing, and .*grants says that it is kept/],
        ["a file in the middle", () =>
          fs.rmSync(path(three)), /is missing, and .*grants says that it is kept/],
        ["the newest file", () =>
          fs.rmSync(path(NAME)), /grants is missing, and .*head says/],
        ["the newest file with its head", () => {
          fs.rmSync(path(NAME))
          fs.rmSync(headIn(folder))
        }, /grants is missing, and .*0{15}1 is there/],
        ["a letter of an older file", () =>
          write(one, whole.get(one)!.toString().replace("record-0", "record-9")), /:1: record 1 is not/],
        ["two files for each other", () => {
          write(two, whole.get(three)!)
          write(three, whole.get(two)!)
        }, /missing in between|out of order/],
        ["the oldest two for each other", () => {
          write(one, whole.get(two)!)
          write(two, whole.get(one)!)
        }, /expected record 1, got record \d+: it is another file/],
        ["two files in one", () =>
          write(two, Buffer.concat([whole.get(two)!, whole.get(three)!])), /begins here, in the middle/],
        ["an older file in place of the newest", () =>
          write(NAME, whole.get(three)!), /records are missing at the end/],
        ["the newest as it was", () =>
          write(NAME, halfway.get(NAME)!), /records are missing at the end/],
        ["everything as it was, but for the head", () => {
          putBack(folder, halfway)
          write(`${NAME}.head`, whole.get(`${NAME}.head`)!)
        }, /records are missing at the end/],
        ["everything as it is, but for the head", () =>
          write(`${NAME}.head`, halfway.get(`${NAME}.head`)!), /^$/]
      ]
      for (const [what, damage, message] of cases) {
        putBack(folder, whole)
        damage()
        const verdict = yield* verify(folder)
        // a head that is behind is what a crash leaves
        if (message.source === "^$") {
          assert.strictEqual(verdict._tag, "Whole", what)
        } else assert.match(verdict._tag === "Damaged" ? verdict.message : "whole", message, what)
      }
      putBack(folder, whole)
      assert.strictEqual((yield* verify(folder))._tag, "Whole")
    }))

  it.live("is found where the chain was computed anew, without the key and with it", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const key = yield* Effect.scoped(Effect.map(open(folder), ({ key }) => key))
      yield* append(folder, 0, 9)
      const whole = contentsOf(folder)
      const older = olderIn(folder)
      /** All files from one on, with another text in every record and a chain that fits. */
      const forge = (with_: typeof key) => {
        let last: Position | undefined
        for (const name of [...older.slice(1), NAME]) {
          const made = whole.get(name)!.toString().trimEnd().split("\n").map((line) => JSON.parse(line)).map(
            (record) => {
              last ??= { n: record.n - 1, mac: Buffer.from(record.begin.mac, "hex") }
              const { line, position } = record.begin === undefined
                ? writeLine(with_, last, 0, "\"text\":\"forged\"")
                : writeBegin(with_, last, 0, { files: record.begin.files, carried: null })
              last = position
              return line
            }
          )
          fs.writeFileSync(join(folder, name), Buffer.concat(made))
        }
      }
      forge(createSecretKey(Buffer.alloc(32, 7)))
      assert.match(JSON.stringify(yield* verify(folder)), /Damaged.*is not as it was written/)
      forge(key)
      assert.match(JSON.stringify(yield* verify(folder)), /Damaged.*is not the file that .*head was written for/)
    }))

  it.live("keeps it from being opened where it is in the newest file, or that is gone", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      yield* append(folder, 0, 9)
      const whole = contentsOf(folder)
      const opened = Effect.flip(append(folder, 9, 10))
      fs.rmSync(fileIn(folder))
      assert.match((yield* opened).message, /grants is missing/)
      fs.rmSync(headIn(folder))
      const { hint, message } = yield* opened
      assert.match(message, /grants is missing, and .*grants\.0{15}1 is there/)
      assert.strictEqual(
        hint,
        `move ${fileIn(folder)}, ${headIn(folder)} and its older files aside to begin anew, with nothing in it`
      )
      putBack(folder, whole)
      fs.writeFileSync(fileIn(folder), whole.get(NAME)!.toString().replace("\"files\":[1", "\"files\":[2"))
      assert.match((yield* opened).message, /is not as it was written/)
      putBack(folder, whole)
      yield* append(folder, 9, 10)
      assert.deepStrictEqual(textsIn(folder), texts(0, 10))
    }))
})

describe("a program that is killed while it goes on in a new file", () => {
  for (const variant of ["before", "after", "half", "power"] as const satisfies ReadonlyArray<Variant>) {
    it.live(`keeps what it acknowledged: ${variant} every operation`, () =>
      Effect.gen(function*() {
        const directory = yield* scratch
        let folders = 0
        const place = () => join(directory, String(folders++), "state")
        const { durable, operations } = yield* run(place(), { bytes: BYTES })
        assert.deepStrictEqual(durable, texts(0, 6))
        assert.isTrue(operations.some(([operation]) => operation === "link"))
        assert.isTrue(operations.some(([operation, path]) => operation === "rename" && path === `${NAME}.new`))
        const struck = operations.flatMap(([operation], i) =>
          variant !== "half" || operation === "write" ? [i + 1] : []
        )
        yield* Effect.forEach(struck, (n) =>
          Effect.gen(function*() {
            const folder = place()
            const at = `${n}:${variant} ${operations[n - 1]?.join(" ")}`
            const killed = yield* run(folder, { at: `${n}:${variant}`, bytes: BYTES })
            assert.strictEqual(killed.signal, "SIGKILL", at)
            if (fs.existsSync(join(folder, "chain.key"))) {
              assert.strictEqual((yield* verify(folder))._tag, "Whole", at)
            }
            const again = yield* run(folder, { bytes: BYTES })
            assert.isUndefined(again.refused, at)
            assert.strictEqual(again.durable.length, 6, at)
            const found = textsIn(folder)
            assert.deepStrictEqual(found, texts(0, found.length), at)
            assert.includeMembers([...found], [...killed.durable, ...again.durable], at)
            const verdict = yield* verify(folder)
            assert.strictEqual(verdict._tag === "Whole" ? verdict.count : verdict.message, found.length, at)
            const inodes = fs.readdirSync(folder).map((name) => fs.statSync(join(folder, name)).ino)
            assert.strictEqual(new Set(inodes).size, inodes.length, `${at}: no file has two names`)
          }), { concurrency: 3, discard: true })
      }), 120_000)
  }
})

describe("a disk that is full, or fails, while a ledger goes on in a new file", () => {
  it.live("keeps nobody from writing: the file grows, and the log says so once", () =>
    Effect.gen(function*() {
      const directory = yield* scratch
      let folders = 0
      const place = () => join(directory, String(folders++), "state")
      const { operations } = yield* run(place(), { bytes: BYTES })
      const first = operations.findIndex(([, path]) => path === `${NAME}.new`)
      const last = operations.findIndex(([operation, path]) => operation === "rename" && path === `${NAME}.new`)
      assert.isAbove(last, first)
      for (let i = first; i <= last; i++) {
        const [operation, path] = operations[i]!
        const at = `${i + 1}:${operation === "write" ? "full" : "fail"}`
        const folder = place()
        const ran = yield* run(folder, { at, bytes: BYTES })
        assert.deepStrictEqual(ran.durable, texts(0, 6), `${at} ${operation} ${path}`)
        const told = ran.logged.filter((line) => line.includes("cannot go on in a new file, so it grows: "))
        assert.strictEqual(told.length, 1, at)
        assert.deepStrictEqual(textsIn(folder), texts(0, 6))
        assert.strictEqual((yield* verify(folder))._tag, "Whole", at)
      }
      // in place, but nobody knows for how long: nothing is acknowledged before that is known
      const synchronised = operations.findIndex(([operation, path], i) =>
        i > last && operation === "fsync" && path === "."
      )
      const folder = place()
      const ran = yield* run(folder, { at: `${synchronised + 1}:fail`, bytes: BYTES })
      assert.deepStrictEqual(ran.durable, texts(0, 6))
      const next = ran.operations.slice(synchronised + 1).map(([operation, path]) => `${operation} ${path}`)
      assert.isBelow(next.indexOf("fsync ."), next.indexOf(`write ${NAME}`))
      const twice = place()
      const failed = yield* run(twice, { at: `${synchronised + 1}:fail,${synchronised + 2}:fail`, bytes: BYTES })
      assert.isAbove(failed.failed.length, 0)
      assert.match(failed.failed[0]!, /nothing can be written to .*: i\/o error$/)
      assert.strictEqual((yield* verify(twice))._tag, "Whole")
    }), 60_000)

  it.live("overwrites no file of the same name that it did not make", () =>
    Effect.gen(function*() {
      const folder = yield* scratch
      const strange = olderPath(fileIn(folder), 1)
      yield* append(folder, 0, 1)
      fs.writeFileSync(strange, "somebody's")
      const lines = yield* append(folder, 1, 6)
      assert.strictEqual(fs.readFileSync(strange, "utf8"), "somebody's")
      assert.strictEqual(lines.filter(([, line]) => line.includes("file already exists")).length, 1)
      assert.deepStrictEqual(yield* verify(folder), { _tag: "Whole", count: 6, n: 6 })
    }))
})
