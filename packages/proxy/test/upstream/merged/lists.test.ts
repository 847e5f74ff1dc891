import { assert, describe, it } from "@effect/vitest"
import { encodeDataLines } from "@gripgate/protocol/escape"
import * as fc from "fast-check"
import { dataOf, mergeGrips, mergeRows } from "../../../src/upstream/merged/lists.ts"

const grip = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const row = (name: string, more: string) => `${name.repeat(40)} D - - ${more} P - - -`

describe("lists of several agents", () => {
  it("has each keygrip once, in the order of the agents, whatever bytes it is of", () => {
    fc.assert(fc.property(fc.array(fc.array(grip, { maxLength: 60 }), { minLength: 1, maxLength: 3 }), (lists) => {
      const merged = mergeGrips(lists.map((list) => encodeDataLines(Buffer.concat(list))))
      const wanted = [...new Set(lists.flat().map((one) => one.toString("hex")))]
      assert.strictEqual(dataOf(merged).toString("hex"), wanted.join(""))
      for (const line of merged.toString("latin1").split("\n").slice(0, -1)) assert.isAtMost(line.length, 1000)
    }))
  })

  it("has each row once, as the first agent tells it, in both forms", () => {
    const status = (...rows: ReadonlyArray<string>) => Buffer.from(rows.map((one) => `S KEYINFO ${one}\n`).join(""))
    assert.strictEqual(
      mergeRows([status(row("A", "1"), row("B", "-")), status(row("B", "1"), row("C", "-"))]).toString(),
      status(row("A", "1"), row("B", "-"), row("C", "-")).toString()
    )
    const data = (...rows: ReadonlyArray<string>) =>
      encodeDataLines(Buffer.from(rows.map((one) => `${one}\n`).join("")))
    assert.strictEqual(
      dataOf(mergeRows([data(row("A", "1")), data(row("A", "-"), row("C", "-"))])).toString(),
      `${row("A", "1")}\n${row("C", "-")}\n`
    )
  })

  it("is nothing where nobody has anything", () => {
    assert.strictEqual(mergeGrips([Buffer.alloc(0), Buffer.alloc(0)]).length, 0)
    assert.strictEqual(mergeRows([]).length, 0)
  })
})
