import { assert, describe, it } from "@effect/vitest"
import { WrongAnswers } from "@gripgate/proxy/authority/wrong-answers"

const start = () => {
  const time = { now: 5_000_000 }
  return { time, answers: new WrongAnswers(() => time.now) }
}

describe("WrongAnswers", () => {
  it("lets three slips pass, and then doubles the wait", () => {
    const { answers, time } = start()
    const waits: Array<number | undefined> = []
    for (let i = 0; i < 12; i++) {
      const wait = answers.turn("git K")
      waits.push(wait)
      time.now += wait ?? 0
      answers.wrong("git K")
    }
    assert.deepStrictEqual(waits.slice(0, 3), [0, 0, 0])
    for (let i = 4; i < waits.length; i++) {
      assert.isAtLeast(waits[i]!, Math.min(60_000, waits[i - 1]!))
    }
    assert.isAtMost(Math.max(...waits.map(Number)), 120_000)
    assert.strictEqual(waits.at(-1), 60_000)
  })

  it("counts what is tried at once as wrong until it is known", () => {
    const { answers } = start()
    const turns = Array.from({ length: 60 }, () => answers.turn("git K"))
    assert.deepStrictEqual(turns.slice(0, 3), [0, 0, 0])
    const waiting = turns.filter((turn) => turn !== undefined && turn > 0)
    assert.isBelow(waiting.length, 10)
    assert.isAbove(turns.filter((turn) => turn === undefined).length, 45)
  })

  it("lets who gave the right answer give it as often at once as he likes, until he gives a wrong one", () => {
    const { answers } = start()
    answers.turn("git K")
    answers.right("git K")
    assert.isTrue(Array.from({ length: 50 }, () => answers.turn("git K")).every((turn) => turn === 0))
    answers.wrong("git K")
    assert.isFalse(answers.isTrusted("git K"))
    // 49 are still open
    assert.isAbove(answers.turn("git K") ?? Infinity, 0)
  })

  it("gives a turn back of which nothing came", () => {
    const { answers } = start()
    for (let i = 0; i < 50; i++) {
      assert.strictEqual(answers.turn("git K"), 0)
      answers.unused("git K")
    }
    assert.isFalse(answers.suspects("git K"))
  })

  it("lets what is tried in parallel wait in a row, and refuses what is too far away", () => {
    const { answers } = start()
    for (let i = 0; i < 6; i++) answers.wrong("git K")
    const turns = Array.from({ length: 100 }, () => answers.turn("git K"))
    const given = turns.filter((turn) => turn !== undefined)
    assert.isBelow(given.length, 20)
    for (let i = 1; i < given.length; i++) assert.isAbove(given[i]!, given[i - 1]!)
    assert.isTrue(turns.slice(given.length).every((turn) => turn === undefined))
  })

  it("forgets with a right one, for that app and key alone", () => {
    const { answers } = start()
    for (let i = 0; i < 5; i++) {
      answers.wrong("git K")
      answers.wrong("git L")
    }
    answers.right("git L")
    assert.strictEqual(answers.turn("git L"), 0)
    assert.isAbove(answers.turn("git K")!, 0)
  })

  it("forgives after an hour of quiet", () => {
    const { answers, time } = start()
    for (let i = 0; i < 5; i++) answers.wrong("git K")
    time.now += 3_600_001
    assert.strictEqual(answers.turn("git K"), 0)
    assert.strictEqual(answers.count("git K"), 0)
  })
})
