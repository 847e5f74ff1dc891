import { assert, describe, it } from "@effect/vitest"
import { policyOf, problemsOf } from "../read.ts"

const place = { file: "p.toml", line: 2, column: 1 }

describe("an operation with more than a verdict", () => {
  it("says how often and how long an answer holds", () => {
    for (
      const [value, entry, text] of [
        ["{ verdict = \"allow\" }", { verdict: "allow" }, "\"allow\""],
        [
          "{ verdict = \"ask\", remember = \"15 minutes\", limit = \"60/hour\" }",
          { verdict: "ask", limit: { count: 60, per: 3_600_000 }, remember: 900_000 },
          "\"ask\", remember 15m, limit 60/hour"
        ],
        [
          "{ limit = \"10/15m\", verdict = \"token\" }",
          { verdict: "token", limit: { count: 10, per: 900_000 } },
          "\"token\", limit 10/15m"
        ],
        ["{ verdict = \"ask\", remember = \"never\" }", { verdict: "ask", remember: 0 }, "\"ask\", remember never"],
        ["{ verdict = \"forbid\" }", { verdict: "forbid" }, "\"forbid\""]
      ] as const
    ) {
      assert.deepStrictEqual<unknown>(policyOf("[operations]", `sign = ${value}`).operations.get("sign"), {
        ...entry,
        place,
        text: `[operations] sign = ${text}`
      })
    }
  })

  it("reads the same in [anyone], in an app and with one of its keys", () => {
    const sign = "sign = { verdict = \"ask\", limit = \"1/s\" }"
    const policy = policyOf(
      "[anyone]",
      sign,
      "[apps.a]",
      "keys = []",
      "socket = \"a\"",
      sign,
      "[apps.a.with.\"b@c\"]",
      sign
    )
    const a = policy.apps.get("a")!
    assert.deepStrictEqual(
      [policy.anyone?.operations, a.operations, a.with[0]?.operations].map((entries) => entries?.get("sign")?.text),
      ["[anyone]", "[apps.a]", "[apps.a.with.\"b@c\"]"].map((header) => `${header} sign = "ask", limit 1/second`)
    )
  })

  it("refuses what is missing, misspelt or means nothing beside the verdict", () => {
    const unknown = "is not known to this version of gripgate"
    for (
      const [value, ...problems] of [
        ["{}", "p.toml:2:8: [operations] sign has no verdict\nhint: sign = { verdict = \"ask\", ... }"],
        [
          "{ limit = \"60/hour\" }",
          "p.toml:2:8: [operations] sign has no verdict\nhint: sign = { verdict = \"ask\", ... }"
        ],
        [
          "{ verdcit = \"ask\" }",
          "p.toml:2:8: [operations] sign has no verdict\nhint: sign = { verdict = \"ask\", ... }",
          `p.toml:2:10: "verdcit" in [operations] sign ${unknown}\nhint: did you mean "verdict"?`
        ],
        [
          "{ verdict = \"ask\", until = \"x\" }",
          `p.toml:2:27: "until" in [operations] sign ${unknown}\nhint: known here are verdict, remember and limit`
        ],
        [
          "{ verdict = \"aks\" }",
          "p.toml:2:20: expected \"allow\", \"ask\", \"token\" or \"forbid\", got \"aks\"\nhint: did you mean \"ask\"?"
        ],
        ["{ verdict = 7 }", "p.toml:2:20: expected a string, got a number\nhint: verdict = \"ask\""],
        [
          "{ verdict = \"ask\", remember = \"always\" }",
          "p.toml:2:38: an answer cannot be remembered always\n"
          + "hint: that is a grant, and the owner gives it with an answer: write a duration, such as \"15m\", or \"never\""
        ],
        [
          "{ verdict = \"ask\", remember = \"nevr\" }",
          "p.toml:2:38: expected a duration or \"never\", got \"nevr\"\nhint: did you mean \"never\"?"
        ],
        [
          "{ verdict = \"ask\", remember = \"yes\" }",
          "p.toml:2:38: expected a duration or \"never\", got \"yes\"\nhint: remember = \"15m\""
        ],
        [
          "{ verdict = \"ask\", remember = \"15 mins\" }",
          "p.toml:2:38: \"mins\" is no unit of time\nhint: units are ms, s, m, h, d or w"
        ],
        [
          "{ verdict = \"ask\", remember = 15 }",
          "p.toml:2:38: expected a string, got a number\nhint: remember = \"15m\""
        ],
        [
          "{ verdict = \"token\", remember = \"15m\" }",
          "p.toml:2:29: verdict = \"token\" has no answer to remember\nhint: leave it out, or let the verdict be \"ask\""
        ],
        [
          "{ verdict = \"allow\", remember = \"never\" }",
          "p.toml:2:29: verdict = \"allow\" has no answer to remember\nhint: leave it out, or let the verdict be \"ask\""
        ],
        [
          "{ verdict = \"forbid\", limit = \"60/hour\" }",
          "p.toml:2:30: verdict = \"forbid\" leaves nothing to limit\nhint: leave out the limit, or let the verdict be another"
        ],
        [
          "{ verdict = \"ask\", limit = \"often\" }",
          "p.toml:2:35: expected a rate, got \"often\"\n"
          + "hint: a rate is a whole number, a slash and a time: \"60/hour\", \"5/minute\" or \"10/15m\""
        ],
        ["{ verdict = \"ask\", limit = 60 }", "p.toml:2:35: expected a string, got a number\nhint: limit = \"60/hour\""]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[operations]", `sign = ${value}`), problems)
    }
  })
})
