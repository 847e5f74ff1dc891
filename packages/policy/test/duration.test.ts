import { assert, describe, it } from "@effect/vitest"
import { formatDuration, MAX_DURATION, parseDuration } from "@gripgate/policy/duration"
import * as Result from "effect/Result"
import * as fc from "fast-check"

const forms = "a duration is a whole number and a unit: \"15m\", \"90d\" or \"15 minutes\""
const minute = 60_000
const day = 24 * 60 * minute

describe("parseDuration", () => {
  it("takes a whole number and a unit, short or in words", () => {
    for (
      const [text, milliseconds] of [
        ["500ms", 500],
        ["1 millisecond", 1],
        ["30s", 30_000],
        ["30 s", 30_000],
        ["15m", 15 * minute],
        ["15 minutes", 15 * minute],
        ["15minutes", 15 * minute],
        ["1 hour", 60 * minute],
        ["1 hours", 60 * minute],
        ["2 hour", 120 * minute],
        ["90d", 90 * day],
        ["1 day", day],
        ["2w", 14 * day],
        ["3 weeks", 21 * day],
        ["3650d", MAX_DURATION]
      ] as const
    ) {
      assert.deepStrictEqual(parseDuration(text), Result.succeed(milliseconds), text)
    }
  })

  it("refuses everything else and says what would be right", () => {
    const noDuration = (got: string) => ({ message: `expected a duration, got "${got}"`, hint: forms })
    const zero = (got: string) => ({ message: `expected a duration above zero, got "${got}"`, hint: forms })
    const tooLong = (got: string) => ({ message: `a duration is at most ten years (3650d), got "${got}"` })
    for (
      const [text, wrong] of [
        ["", noDuration("")],
        ["15", noDuration("15")],
        ["m", noDuration("m")],
        ["-5m", noDuration("-5m")],
        ["+5m", noDuration("+5m")],
        ["1.5h", noDuration("1.5h")],
        ["015m", noDuration("015m")],
        ["15  m", noDuration("15  m")],
        [" 15m", noDuration(" 15m")],
        ["15m ", noDuration("15m ")],
        ["15m\n", noDuration("15m\\u{a}")],
        ["1h30m", noDuration("1h30m")],
        ["PT15M", noDuration("PT15M")],
        ["forever", noDuration("forever")],
        ["0m", zero("0m")],
        ["0 weeks", zero("0 weeks")],
        ["3651d", tooLong("3651d")],
        [`${"9".repeat(400)}s`, tooLong(`${"9".repeat(60)}...`)],
        ["15 minuets", { message: "\"minuets\" is no unit of time", hint: "did you mean \"minutes\"?" }],
        ["15 Hours", { message: "\"Hours\" is no unit of time", hint: "did you mean \"hours\"?" }],
        ["5 years", { message: "\"years\" is no unit of time", hint: "units are ms, s, m, h, d or w" }]
      ] as const
    ) {
      assert.deepStrictEqual<unknown>(parseDuration(text), Result.fail(wrong), text)
    }
  })
})

describe("formatDuration", () => {
  it("takes the largest unit that leaves no rest", () => {
    for (
      const [milliseconds, text] of [
        [0, "0s"],
        [1, "1ms"],
        [1500, "1500ms"],
        [15 * minute, "15m"],
        [90 * minute, "90m"],
        [60 * minute, "1h"],
        [90 * day, "90d"],
        [14 * day, "2w"]
      ] as const
    ) {
      assert.strictEqual(formatDuration(milliseconds), text)
    }
  })

  it("is read back as the same duration", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3650 }),
        fc.constantFrom(1, 1000, minute, 60 * minute, day),
        (count, unit) =>
          assert.deepStrictEqual(parseDuration(formatDuration(count * unit)), Result.succeed(count * unit))
      ),
      { seed: 20160614 }
    )
  })
})
