import { assert, describe, it } from "@effect/vitest"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { GrantTable } from "../../src/grant/grant-table.ts"
import type { Grant } from "../../src/grant/grant.ts"

const KEY = parseKeygrip("A".repeat(40))!

const grant = (id: string, more: Partial<Grant> = {}): Grant => ({
  id,
  holder: { kind: "app", app: "git" },
  keygrip: KEY,
  operations: new Set(["sign"]),
  answer: "yes",
  by: { through: "test" },
  madeAt: 1_000_000,
  uses: 0,
  ...more
})

const make = () => {
  const now = { wall: 1_000_000, steady: 50 }
  const table = new GrantTable({ wall: () => now.wall, steady: () => now.steady })
  const found = () => table.find("app git", "sign", KEY).map(({ id }) => id)
  return { now, table, found }
}

describe("a grant for a while", () => {
  it("ends by the clock of the wall, or by one that nobody can set, whichever is first", () => {
    for (const clock of ["wall", "steady"] as const) {
      const { found, now, table } = make()
      table.add(grant("A", { expiresAt: 1_060_000 }))
      now[clock] += 59_999
      assert.deepStrictEqual(found(), ["A"])
      now[clock] += 1
      assert.deepStrictEqual(found(), [], clock)
    }
  })

  it("is not made longer by a clock that is set back", () => {
    const { found, now, table } = make()
    table.add(grant("A", { expiresAt: 1_060_000 }))
    now.wall -= 3_600_000
    now.steady += 60_000
    assert.deepStrictEqual(found(), [])
  })
})

describe("the table of grants", () => {
  it("has those that are over for a day, so that the owner can see what became of them", () => {
    const { now, table } = make()
    table.add(grant("A", { expiresAt: 1_060_000 }))
    table.add(grant("B"))
    table.revoke(table.get("B")!, 1_000_000)
    table.add(grant("C"))
    const listed = () => table.all.map(({ id }) => id)
    assert.deepStrictEqual(listed(), ["A", "B", "C"])
    now.wall += 86_400_000 + 60_000
    table.add(grant("D"))
    assert.deepStrictEqual(listed(), ["C", "D"])
    assert.isUndefined(table.get("A"))
  })

  it("keeps one whose end is not written yet, however old: the owner has to take it back again", () => {
    const { now, table } = make()
    table.add(grant("A"))
    table.revoke(table.get("A")!, 1_000_000)
    table.get("A")!.unwritten = true
    now.wall += 10 * 86_400_000
    assert.deepStrictEqual(table.all.map(({ id }) => id), ["A"])
    delete table.get("A")!.unwritten
    now.wall += 60_000
    assert.deepStrictEqual(table.all.map(({ id }) => id), [])
  })

  it("looks for old ones once in a minute, and not for each that is added", () => {
    const { now, table } = make()
    let looks = 0
    const counted = (id: string): Grant => {
      const one = grant(id)
      return Object.defineProperty(one, "revokedAt", { get: () => void looks++, set: () => {} })
    }
    const count = 1_000
    for (let i = 0; i < count; i++) table.add(counted(String(i)))
    assert.lengthOf(table.all, count)
    assert.isBelow(looks, count)
    // also by a clock that was set back
    for (const by of [60_000, -3_600_000]) {
      looks = 0
      now.wall += by
      for (let i = 0; i < 10; i++) table.add(grant(`${by} ${i}`))
      assert.isAtLeast(looks, count)
      assert.isBelow(looks, 3 * count)
    }
  })

  it("has several for one use, of which each can be taken back by itself", () => {
    const { found, table } = make()
    table.add(grant("A"))
    table.add(grant("B", { operations: new Set(["sign", "decrypt"]) }))
    table.revoke(table.get("A")!, 1_000_001)
    assert.deepStrictEqual(found(), ["B"])
    assert.deepStrictEqual(table.find("app git", "decrypt", KEY).map(({ id }) => id), ["B"])
    assert.deepStrictEqual(table.find("app git", "sign", undefined), [])
  })
})
