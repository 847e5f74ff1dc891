// A check that fails by itself, or does not end, is a finding; and every finding has a name of its family and a level.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { guarded } from "../../src/doctor/doctor.ts"
import { command, finding } from "../../src/doctor/finding.ts"
import { families, familyOf, type FindingId, levels } from "../../src/doctor/ids.ts"

describe("a check of the doctor", () => {
  it.live("that throws is a finding", () =>
    Effect.gen(function*() {
      const thrown = yield* guarded(
        "x",
        Effect.sync(() => {
          throw new Error("broken")
        })
      )
      assert.deepStrictEqual(thrown.map(({ id }) => id), ["doctor.failed"])
      assert.include(thrown[0]!.message, "broken")
      const died = yield* guarded("x", Effect.promise(() => Promise.reject(new Error("later"))))
      assert.deepStrictEqual(died.map(({ id, level }) => [id, level]), [["doctor.failed", "wrong"]])
    }))

  it.live("that does not end is given up, and is a finding", () =>
    Effect.gen(function*() {
      const late = yield* guarded("x", Effect.never, 10)
      assert.deepStrictEqual(late.map(({ id, level }) => [id, level]), [["doctor.late", "wrong"]])
    }))
})

describe("a finding", () => {
  it("has the level of its name, and its name begins with its family", () => {
    for (const id of Object.keys(levels) as ReadonlyArray<FindingId>) {
      assert.include(families, familyOf(id))
      assert.strictEqual(finding(id, "x").level, levels[id])
    }
  })

  it("has no line for a shell that would be shown otherwise than it is run", () => {
    assert.strictEqual(command("rm", "--", "/a b"), "rm -- '/a b'")
    assert.isUndefined(command("rm", "--", "/a\u202eb"))
    for (const path of ["/a\nb", "/a  b", "/a ", `/${"x".repeat(3_000)}`]) assert.isUndefined(command("rm", "--", path))
  })
})
