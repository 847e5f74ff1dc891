import { assert, describe, it } from "@effect/vitest"
import { formatRate, parseRate } from "@gripgate/policy/file/rate"
import * as Result from "effect/Result"

const forms = "a rate is a whole number, a slash and a time: \"60/hour\", \"5/minute\" or \"10/15m\""

describe("parseRate", () => {
  it("takes a count and a unit of time or a duration", () => {
    for (
      const [text, count, per, formatted] of [
        ["60/hour", 60, 3_600_000, "60/hour"],
        ["5/minute", 5, 60_000, "5/minute"],
        ["5/minutes", 5, 60_000, "5/minute"],
        ["10/15m", 10, 900_000, "10/15m"],
        ["10/15 minutes", 10, 900_000, "10/15m"],
        ["1/s", 1, 1000, "1/second"],
        ["1/1 week", 1, 604_800_000, "1/week"],
        ["1000000/day", 1_000_000, 86_400_000, "1000000/day"]
      ] as const
    ) {
      assert.deepStrictEqual(parseRate(text), Result.succeed({ count, per }), text)
      assert.strictEqual(formatRate({ count, per }), formatted)
    }
  })

  it("refuses everything else and says what would be right", () => {
    for (
      const text of ["", "60", "hour", "/hour", "60/", "60 /hour", "60/ hour", "-1/hour", "+1/h", "06/h", "1.5/h"]
    ) {
      const wrong = parseRate(text)
      assert.isTrue(Result.isFailure(wrong), text)
      if (!Result.isFailure(wrong)) continue
      assert.deepStrictEqual(wrong.failure, { message: `expected a rate, got "${text}"`, hint: forms })
    }
    for (
      const [text, wrong] of [
        ["0/hour", {
          message: "the count of a rate is 1 to 1000000, got \"0/hour\"",
          hint: "verdict = \"forbid\" is never"
        }],
        ["1000001/s", {
          message: "the count of a rate is 1 to 1000000, got \"1000001/s\"",
          hint: "without a limit there is none"
        }],
        ["60/huor", { message: "\"huor\" is no unit of time", hint: "did you mean \"hour\"?" }],
        ["6/h/h", {
          message: "expected a duration, got \"h/h\"",
          hint: "a duration is a whole number and a unit: \"15m\", \"90d\" or \"15 minutes\""
        }],
        ["6/0s", {
          message: "expected a duration above zero, got \"0s\"",
          hint: "a duration is a whole number and a unit: \"15m\", \"90d\" or \"15 minutes\""
        }],
        ["6/9999d", { message: "a duration is at most ten years (3650d), got \"9999d\"" }]
      ] as const
    ) {
      assert.deepStrictEqual<unknown>(parseRate(text), Result.fail(wrong), text)
    }
  })
})
