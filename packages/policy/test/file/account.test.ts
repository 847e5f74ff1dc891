import { assert, describe, it } from "@effect/vitest"
import { policyOf, problemsOf } from "../read.ts"

const lines = (value: string) => ["[apps.git]", "keys = []", `match.user = ${value}`]

describe("users and groups", () => {
  it("go by name or by number, and numbers come out in decimal", () => {
    for (
      const [value, read] of [
        ["\"alice\"", "alice"],
        ["\"EXAMPLE\\\\alice\"", "EXAMPLE\\alice"],
        ["\"systemd-network\"", "systemd-network"],
        ["\"7a\"", "7a"],
        ["0", "0"],
        ["-0", "0"],
        ["+5", "5"],
        ["1_000", "1000"],
        ["0x3E8", "1000"],
        ["\"1000\"", "1000"],
        ["4294967294", "4294967294"],
        ["\"4294967294\"", "4294967294"]
      ] as const
    ) {
      assert.deepStrictEqual(policyOf(...lines(value)).apps.get("git")?.match?.conditions[0]?.values, [read], value)
    }
  })

  it("are nobody beyond the range of the kernel", () => {
    for (
      const [value, got] of [
        ["-1", "-1"],
        ["4294967295", "4294967295"],
        ["4_294_967_296", "4_294_967_296"],
        ["99999999999999999999", "99999999999999999999"],
        ["\"-1\"", "-1"],
        ["\"+1\"", "+1"],
        ["\"007\"", "007"],
        ["\"4294967295\"", "4294967295"],
        ["\"99999999999\"", "99999999999"]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(...lines(value)), [
        `p.toml:3:14: the number of a user is 0 to 4294967294, got "${got}"`
      ])
    }
  })

  it("are no patterns, and nothing but strings and whole numbers", () => {
    for (
      const [value, problem] of [
        ["\"\"", "expected a user, got an empty string\nhint: user = \"mailpile\""],
        [
          "\"mail*\"",
          "a user cannot be a pattern: \"mail*\"\nhint: users go by name or by number, and a list may have several"
        ],
        [
          "\"?\"",
          "a user cannot be a pattern: \"?\"\nhint: users go by name or by number, and a list may have several"
        ],
        ["1.0", "expected a string or a whole number, got a number\nhint: user = \"mailpile\""],
        ["true", "expected a string or a whole number, got a boolean\nhint: user = \"mailpile\""],
        ["{}", "expected a string or a whole number, got a table\nhint: user = \"mailpile\""]
      ] as const
    ) {
      const found = problemsOf(...lines(value))
      assert.strictEqual(found.length, 1)
      assert.strictEqual(found[0], `p.toml:3:14: ${problem}`)
    }
  })
})
