// The fields of records: harmless, short, and what they say.
import { assert, describe, it } from "@effect/vitest"
import { harmless } from "@gripgate/policy/harmless"
import * as fc from "fast-check"
import {
  clientFields,
  commandFields,
  entryFields,
  inCommon,
  outcomeFields,
  useFields
} from "../../src/journal/record.ts"
import { useOf } from "../authority/place.ts"

describe("a record", () => {
  it("says who, what, with which key, and what decided", () => {
    const key = "A".repeat(40) as never
    assert.deepStrictEqual(useFields(useOf("git", "sign", key)), {
      app: "git",
      session: 1,
      uid: 1000,
      program: "/usr/bin/git",
      recognised: "socket",
      operations: ["sign"],
      keys: [key],
      command: "PKSIGN"
    })
    assert.strictEqual(useFields(useOf(undefined, "sign", undefined)).app, null)
    const place = { file: "/p.toml", line: 3, column: 5 }
    assert.deepStrictEqual(entryFields({ verdict: "ask", text: "sign = \"ask\"", place } as never), {
      verdict: "ask",
      by: "sign = \"ask\" (/p.toml:3:5)"
    })
  })

  it("has the number of an error, and its name", () => {
    assert.deepStrictEqual(outcomeFields("1.1", "failed", "67108875 Bad passphrase", 7), {
      use: "1.1",
      result: "failed",
      error: 67108875,
      reason: "Bad passphrase",
      grantsAt: 7
    })
    assert.deepStrictEqual(outcomeFields("1.1", "failed", "67108875"), {
      use: "1.1",
      result: "failed",
      error: 67108875
    })
    assert.deepStrictEqual(outcomeFields("1.1", "lost", "3rd of them"), {
      use: "1.1",
      result: "lost",
      reason: "3rd of them"
    })
    assert.deepStrictEqual(outcomeFields("1.1", "done", undefined), { use: "1.1", result: "done" })
  })

  it("is harmless and short, whatever a client calls itself or sends", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 5 }).map((text) => text.repeat(20_000)),
      fc.constantFrom("\u{1b}]0;x\u0007".repeat(9000), "\u{202e}", "\ud83d", "x".repeat(100_000), "😀".repeat(300))
    )
    fc.assert(
      fc.property(text, text, (one, other) => {
        const record = {
          ...clientFields(one, { session: 1, chain: [], socket: "/s", program: other }),
          ...commandFields(one, other),
          ...outcomeFields("1.1", "failed", one)
        }
        const line = JSON.stringify(record)
        assert.isBelow(Buffer.byteLength(line), 8192)
        for (const value of Object.values(record)) {
          if (typeof value === "string") assert.strictEqual(harmless(value), value)
        }
        assert.deepStrictEqual(JSON.parse(line), record)
      }),
      { numRuns: 50 }
    )
  })

  it("of several has what is the same in all of them", () => {
    const one = { op: "refused", app: "git", keys: ["A"], session: 1, reason: "no" } as const
    assert.deepStrictEqual(inCommon(one, { op: "refused", app: "git", keys: ["A"], session: 2, reason: "no" }), {
      op: "refused",
      app: "git",
      keys: ["A"],
      reason: "no"
    })
  })
})
