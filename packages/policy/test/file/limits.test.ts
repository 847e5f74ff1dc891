import { assert, describe, it } from "@effect/vitest"
import { countLimits, timeLimits } from "@gripgate/policy/policy"
import { policyOf, problemsOf } from "../read.ts"

describe("[limits]", () => {
  it("reads counts as numbers and times in milliseconds", () => {
    const { limits } = policyOf(
      "[limits]",
      "sessions = 1_000",
      "sessions-of-app = 1",
      "finish-line = \"30s\"",
      "warm = \"500ms\""
    )
    assert.deepStrictEqual([...limits], [["sessions", 1000], ["sessions-of-app", 1], ["finish-line", 30_000], [
      "warm",
      500
    ]])
    assert.strictEqual(policyOf("[limits]").limits.size, 0)
  })

  it("knows every limit", () => {
    const lines = [...countLimits.map((name) => `${name} = 1000000`), ...timeLimits.map((name) => `${name} = "1 week"`)]
    assert.deepStrictEqual([...policyOf("[limits]", ...lines).limits.keys()], [...countLimits, ...timeLimits])
  })

  it("refuses everything else", () => {
    for (
      const [line, problem] of [
        ["sessions = 0", "2:12: sessions is 1 to 1000000, got \"0\"\nhint: sessions = 100"],
        ["sessions = -5", "2:12: sessions is 1 to 1000000, got \"-5\"\nhint: sessions = 100"],
        ["sessions = 1000001", "2:12: sessions is 1 to 1000000, got \"1000001\"\nhint: sessions = 100"],
        ["sessions = \"64\"", "2:12: expected a whole number, got a string\nhint: sessions = 64"],
        ["sessions = \"many\"", "2:12: expected a whole number, got a string\nhint: sessions = 100"],
        ["sessions = 1.5", "2:12: expected a whole number, got a number\nhint: sessions = 100"],
        ["warm = 2000", "2:8: expected a string, got a number\nhint: warm = \"30s\""],
        [
          "warm = \"2000\"",
          "2:8: expected a duration, got \"2000\"\nhint: a duration is a whole number and a unit: \"15m\", \"90d\" or \"15 minutes\""
        ],
        ["warm = \"11y\"", "2:8: \"y\" is no unit of time\nhint: units are ms, s, m, h, d or w"],
        [
          "sesions = 5",
          "2:1: \"sesions\" in [limits] is not known to this version of gripgate\nhint: did you mean \"sessions\"?"
        ],
        [
          "memory = 5",
          "2:1: \"memory\" in [limits] is not known to this version of gripgate\nhint: known here are sessions, "
          + "sessions-of-app, finish-line, finish-answer, take-reply, greeting, warm and stop"
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[limits]", line), [`p.toml:${problem}`])
    }
  })
})
