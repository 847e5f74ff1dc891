import { assert, describe, it } from "@effect/vitest"
import { type Ending, MAX_OPEN, Turns } from "../../src/approve/turns.ts"

const PAUSE = 300_000

const some = () => {
  let time = 1_000_000
  const turns = new Turns(() => time)
  const end = (how: Ending, asker = "app a") => {
    turns.opened(asker)
    return turns.ended(asker, how, PAUSE)
  }
  return { turns, end, wait: (milliseconds: number) => void (time += milliseconds) }
}

describe("turns", () => {
  it("has three questions of one asker open, and others beside them", () => {
    const { turns } = some()
    for (let i = 0; i < MAX_OPEN; i++) {
      assert.isTrue(turns.hasRoom("app a"))
      turns.opened("app a")
    }
    assert.strictEqual(MAX_OPEN, 3)
    assert.isFalse(turns.hasRoom("app a"))
    assert.isTrue(turns.hasRoom("app b"))
    turns.ended("app a", "no", PAUSE)
    assert.isTrue(turns.hasRoom("app a"))
  })

  it("pauses after two in a row without an answer, for that asker alone, and for a time", () => {
    const { end, turns, wait } = some()
    assert.isFalse(end("unanswered"))
    assert.isUndefined(turns.pausedUntil("app a"))
    assert.isTrue(end("unanswered"))
    assert.strictEqual(turns.pausedUntil("app a"), 1_000_000 + PAUSE)
    assert.deepStrictEqual(turns.paused, [{ asker: "app a", until: 1_000_000 + PAUSE }])
    assert.isUndefined(turns.pausedUntil("app b"))
    wait(PAUSE - 1)
    assert.isDefined(turns.pausedUntil("app a"))
    wait(1)
    assert.isUndefined(turns.pausedUntil("app a"))
    assert.deepStrictEqual(turns.paused, [])
    // it begins anew
    assert.isFalse(end("unanswered"))
    assert.isTrue(end("unanswered"))
  })

  it("takes any answer for a sign that the owner is there, and five noes in a row for enough", () => {
    const all = (...hows: ReadonlyArray<Ending>) => {
      const { end } = some()
      return hows.map((how) => end(how))
    }
    assert.deepStrictEqual(all("unanswered", "no", "unanswered", "no", "unanswered"), Array(5).fill(false))
    assert.deepStrictEqual(all("no", "no", "no", "no", "no"), [false, false, false, false, true])
    assert.deepStrictEqual(all("no", "no", "no", "no", "yes", "no"), Array(6).fill(false))
  })

  it("counts nothing that the owner could not see", () => {
    const { end } = some()
    for (let i = 0; i < 10; i++) assert.isFalse(end("unseen"))
  })

  it("ends a pause with a yes to what was open before it", () => {
    const { end, turns } = some()
    turns.opened("app a")
    end("unanswered")
    end("unanswered")
    assert.isDefined(turns.pausedUntil("app a"))
    turns.ended("app a", "yes", PAUSE)
    assert.isUndefined(turns.pausedUntil("app a"))
  })
})
