import { assert, describe, it } from "@effect/vitest"
import { readShortId, ShortIds } from "../src/short-id.ts"

describe("short ids", () => {
  it("are four characters that nobody mistakes for others", () => {
    const ids = new ShortIds()
    for (let i = 0; i < 1000; i++) assert.match(ids.next(), /^[2-9A-HJKMNP-TV-Z]{4}$/)
  })

  it("are never the same twice, nor one that is known to be used", () => {
    let calls = 0
    // the same four numbers three times, then others
    const ids = new ShortIds(() => Math.floor(calls++ / 12))
    ids.take("3333")
    assert.strictEqual(ids.next(), "2222")
    assert.strictEqual(ids.next(), "4444")
  })

  it("may be typed in any case", () => {
    assert.strictEqual(readShortId(" 7kq2 "), "7KQ2")
  })
})
