// The parts of `gripgate log` that need no process: times, what is wanted, and what came of a use behind the use.
import { assert, describe, it } from "@effect/vitest"
import { type ReadRecord, readRecord } from "@gripgate/proxy/journal/read-record"
import * as fc from "fast-check"
import { Filter, type Wanted } from "../../../src/verbs/log/filter.ts"
import { Joiner } from "../../../src/verbs/log/joined.ts"
import { parseMoment } from "../../../src/verbs/log/moment.ts"

const NOW = Date.parse("2026-02-03T12:00:00Z")

const record = (n: number, fields: Readonly<Record<string, unknown>>): ReadRecord => {
  const at = new Date(NOW + n * 1000).toISOString()
  const read = readRecord(JSON.stringify({ v: 1, n, at, ...fields, mac: "" }))
  if (read === undefined || read === "begin") throw new Error("no record")
  return read
}

describe("a time", () => {
  it("is how long ago, RFC 3339, or local time", () => {
    assert.strictEqual(parseMoment("90m", NOW), NOW - 90 * 60_000)
    assert.strictEqual(parseMoment("2 days", NOW), NOW - 2 * 86_400_000)
    assert.strictEqual(parseMoment("2026-02-03T10:00:00Z", NOW), NOW - 7_200_000)
    assert.strictEqual(parseMoment("2026-02-03T10:00:00.5+02:00", NOW), NOW - 4 * 3_600_000 + 500)
    const local = (text: string) => new Date(parseMoment(text, NOW)!).toString().slice(4, 24)
    assert.strictEqual(local("2026-02-03"), "Feb 03 2026 00:00:00")
    assert.strictEqual(local("2024-02-29 14:32"), "Feb 29 2024 14:32:00")
    assert.strictEqual(local("2026-02-03T14:32:10"), "Feb 03 2026 14:32:10")
  })

  it("is nothing else", () => {
    const wrong = [
      "",
      "now",
      "12",
      "2026-2-3",
      "2026-02-31",
      "2026-13-01",
      "2026-02-03 24:00",
      "2026-02-03 10:60",
      "0m"
    ]
    for (const text of [...wrong, "2026-02-03T10:00Z", "2026-02-03T25:00:00Z"]) {
      assert.isUndefined(parseMoment(text, NOW), text)
    }
  })
})

describe("a record that is read", () => {
  it("has only fields of the right kind, whatever stands in the line", () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("refused", "allowed", 1, null))
    const names = fc.constantFrom("op", "n", "at", "app", "operations", "keys", "times", "reason", "__proto__", "begin")
    fc.assert(fc.property(fc.dictionary(names, value), fc.string(), (fields, junk) => {
      assert.isUndefined(readRecord(`${JSON.stringify(fields)}${junk.trim() === "" ? "x" : "{"}`))
      const read = readRecord(JSON.stringify({ n: 1, at: "2026-02-03T10:00:00Z", op: "refused", ...fields }))
      if (read === undefined || read === "begin") return
      assert.isTrue(read.app === undefined || read.app === null || typeof read.app === "string")
      assert.isTrue(read.operations?.every((each) => typeof each === "string") ?? true)
      assert.isTrue(read.times === undefined || typeof read.times === "number")
      assert.isTrue(read.reason === undefined || typeof read.reason === "string")
    }))
  })
})

describe("what is wanted", () => {
  const use = (n: number, more: Readonly<Record<string, unknown>> = {}) =>
    record(n, { op: "allowed", use: `1.${n}`, app: "git", operations: ["sign"], keys: ["A"], verdict: "ask", ...more })
  const admitted = (wanted: Wanted, records: ReadonlyArray<ReadRecord>) => {
    const filter = new Filter(wanted)
    return records.filter((each) => filter.admits(each)).map(({ n }) => n)
  }

  it("has to hold in all that was asked for, and an outcome goes with its use", () => {
    const records = [
      use(1),
      use(2, { app: "mail" }),
      record(3, { op: "outcome", use: "1.2", result: "done" }),
      record(4, { op: "outcome", use: "1.1", result: "done" }),
      record(5, { op: "outcome", use: "0.9", result: "done" }),
      record(6, { op: "violation", app: null, reason: "x" })
    ]
    assert.deepStrictEqual(admitted({}, records), [1, 2, 3, 4, 5, 6])
    assert.deepStrictEqual(admitted({ app: "git" }, records), [1, 4])
    assert.deepStrictEqual(admitted({ app: null }, records), [6])
    assert.deepStrictEqual(admitted({ app: "git", keys: new Set(["B"]) }, records), [])
    assert.deepStrictEqual(admitted({ keys: new Set(["A"]), operation: "sign", verdict: "ask" }, records), [1, 2, 3, 4])
    assert.deepStrictEqual(admitted({ verdict: "refused" }, records), [6])
    assert.deepStrictEqual(admitted({ since: NOW + 2_000 }, records), [2, 3, 6])
    // an outcome that came later belongs to what is wanted
    assert.deepStrictEqual(admitted({ until: NOW + 1_000 }, records), [1, 4])
  })
})

describe("what came of a use", () => {
  it("stands behind it, each once, in the order of the uses, whatever comes in between", () => {
    const step = fc.constantFrom("use", "outcome", "other", "rest")
    fc.assert(fc.property(fc.array(fc.tuple(step, fc.nat()), { maxLength: 60 }), (steps) => {
      const joiner = new Joiner()
      const open: Array<string> = []
      const records: Array<ReadRecord> = []
      const told: Array<ReturnType<Joiner["rest"]>[number]> = []
      const push = (fields: Readonly<Record<string, unknown>>) => {
        const next = record(records.length + 1, fields)
        records.push(next)
        told.push(...joiner.push(next))
      }
      for (const [what, which] of steps) {
        if (what === "use") {
          open.push(`1.${records.length}`)
          push({ op: "allowed", use: open.at(-1)! })
        } else if (what === "outcome" && open.length > 0) {
          const [use] = open.splice(which % open.length, 1)
          push({ op: "outcome", use, result: "done" })
        } else if (what === "rest") told.push(...joiner.rest())
        else push({ op: "refused", app: "git" })
      }
      told.push(...joiner.rest())
      const first = told.filter(({ late }) => late === undefined).map(({ record }) => record.n)
      assert.deepStrictEqual(first, records.filter(({ op }) => op !== "outcome").map(({ n }) => n))
      const outcomes = told.flatMap(({ outcome }) => outcome === undefined ? [] : [outcome.n]).toSorted((a, b) => a - b)
      assert.deepStrictEqual(outcomes, records.filter(({ op }) => op === "outcome").map(({ n }) => n))
      for (const { outcome, record } of told) if (outcome !== undefined) assert.strictEqual(outcome.use, record.use)
    }))
  })

  it("is not waited for without end", () => {
    const joiner = new Joiner()
    let told = joiner.push(record(1, { op: "allowed", use: "1.1" }))
    let n = 1
    while (told.length === 0) told = joiner.push(record(++n, { op: "refused" }))
    assert.isBelow(n, 2_000)
    assert.deepStrictEqual(joiner.push(record(n + 1, { op: "outcome", use: "1.1", result: "done" })), [{
      record: told[0]!.record,
      outcome: record(n + 1, { op: "outcome", use: "1.1", result: "done" }),
      late: true
    }])
  })
})
