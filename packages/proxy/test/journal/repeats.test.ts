import { assert, describe, it } from "@effect/vitest"
import { Repeats } from "@gripgate/proxy/journal/repeats"

describe("Repeats", () => {
  it("lets a burst through, counts the rest, and tells the count with the next line", () => {
    let now = 0
    const repeats = new Repeats(() => now)
    const told = Array.from({ length: 250 }, () => repeats.admit())
    assert.strictEqual(told.filter((each) => each !== undefined).length, 100)
    now += 99
    assert.isUndefined(repeats.admit())
    now += 1
    assert.strictEqual(repeats.admit(), 151)
    now += 1_000
    assert.deepStrictEqual(Array.from({ length: 11 }, () => repeats.admit()), [...Array(10).fill(0), undefined])
  })
})
