import { assert, describe, it } from "@effect/vitest"
import type { Entry } from "@gripgate/policy/policy"
import { Rates } from "@gripgate/proxy/authority/rates"

const entry = (text: string, count: number, per = 60_000): Entry => ({
  verdict: "allow",
  text,
  limit: { count, per }
})

const clock = () => {
  const time = { now: 1_000_000 }
  return { time, rates: new Rates(() => time.now) }
}

describe("Rates", () => {
  it("lets as many through at once as the limit says, and then as many as time gives back", () => {
    const { rates, time } = clock()
    const sign = entry("sign", 3)
    assert.deepStrictEqual([1, 2, 3, 4].map(() => rates.take("git", [sign])), [true, true, true, false])
    time.now += 19_999
    assert.isFalse(rates.take("git", [sign]))
    time.now += 1
    assert.isTrue(rates.take("git", [sign]))
    assert.isFalse(rates.take("git", [sign]))
  })

  it("saves no more than one filling", () => {
    const { rates, time } = clock()
    const sign = entry("sign", 2)
    rates.take("git", [sign])
    time.now += 3_600_000
    assert.deepStrictEqual([1, 2, 3].map(() => rates.take("git", [sign])), [true, true, false])
  })

  it("counts each app by itself, and whoever is none", () => {
    const { rates } = clock()
    const sign = entry("[operations] sign", 1)
    assert.isTrue(rates.take("git", [sign]))
    assert.isTrue(rates.take("mail", [sign]))
    assert.isTrue(rates.take(undefined, [sign]))
    assert.isFalse(rates.take("git", [sign]))
    assert.isFalse(rates.take(undefined, [sign]))
  })

  it("takes of all entries or of none", () => {
    const { rates } = clock()
    const [sign, certify] = [entry("sign", 2), entry("certify", 1)]
    assert.isTrue(rates.take("git", [certify]))
    assert.isFalse(rates.take("git", [sign, certify]))
    assert.isTrue(rates.take("git", [sign]))
    assert.isTrue(rates.take("git", [sign]))
  })

  it("gives back what was not used, and nothing to a limit that was changed meanwhile", () => {
    const { rates } = clock()
    const [ten, five] = [entry("sign", 10), entry("sign", 5)]
    rates.take("git", [five])
    rates.giveBack("git", [five])
    assert.deepStrictEqual([1, 2, 3, 4, 5, 6].map(() => rates.take("git", [five])), [
      true,
      true,
      true,
      true,
      true,
      false
    ])
    rates.giveBack("git", [ten])
    assert.isFalse(rates.take("git", [five]))
  })

  it("is the same limit after a reload that does not change it, and a new one after one that does", () => {
    const { rates } = clock()
    assert.isTrue(rates.take("git", [entry("sign", 1)]))
    assert.isFalse(rates.take("git", [entry("sign", 1)]))
    assert.isTrue(rates.take("git", [entry("sign", 2)]))
  })

  it("gives nothing for a clock that was set back", () => {
    const { rates, time } = clock()
    const sign = entry("sign", 1)
    rates.take("git", [sign])
    time.now -= 3_600_000
    assert.isFalse(rates.take("git", [sign]))
  })

  it("has no limit where the entry has none", () => {
    const { rates } = clock()
    for (let i = 0; i < 100; i++) assert.isTrue(rates.take("git", [{ verdict: "allow", text: "sign" }]))
  })
})
