import { assert, describe, it } from "@effect/vitest"
import { SELECTOR_FORMS } from "@gripgate/policy/file/selector"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { grip, policyOf, problemsOf } from "../read.ts"

describe("keys", () => {
  it("takes keygrips in either case for the same key", () => {
    const policy = policyOf("[anyone]", `keys = ["grip:${"aB".repeat(20)}", "grip:${grip("0")}"]`)
    assert.deepStrictEqual(policy.anyone?.keys, new Set([parseKeygrip("AB".repeat(20))!, grip("0")]))
    assert.deepStrictEqual(problemsOf("[anyone]", `keys = ["grip:${"aB".repeat(20)}", "grip:${"Ab".repeat(20)}"]`), [
      `p.toml:2:58: "grip:${"Ab".repeat(20)}" is listed already, as "grip:${"aB".repeat(20)}"`
    ])
  })

  it("takes \"*\" alone for every key", () => {
    assert.strictEqual(policyOf("[anyone]", "keys = [\"*\"]").anyone?.keys, "all")
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [\"*\", \"*\"]"), [
      "p.toml:2:9: \"*\" stands for every key: list it alone",
      "p.toml:2:14: \"*\" is listed twice"
    ])
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [\"a@b.org\", \"*\"]"), [
      "p.toml:2:20: \"*\" stands for every key: list it alone"
    ])
  })

  it("keeps selectors as written with their places, and leaves to others what needs a keyring", () => {
    const { anyone } = policyOf(
      "[anyone]",
      "keys = [",
      "  '<A@b.org>', '0x0123456789abcdef!',",
      `  "grip:${grip("C")}"`,
      "]"
    )
    const at = (line: number, column: number) => ({ file: "p.toml", line, column })
    assert.deepStrictEqual<unknown>(anyone?.selectors, [
      { text: "<A@b.org>", place: at(3, 3), wanted: { kind: "address", address: "a@b.org" } },
      {
        text: "0x0123456789abcdef!",
        place: at(3, 16),
        wanted: { kind: "key id", digits: "0123456789ABCDEF", exact: true }
      },
      { text: `grip:${grip("C")}`, place: at(4, 3), wanted: { kind: "grip", keygrip: grip("C") } }
    ])
    assert.deepStrictEqual(anyone?.keys, new Set([grip("C")]))
    assert.deepStrictEqual(policyOf("[anyone]", "keys = []").anyone?.selectors, [])
  })

  it("refuses a selector that is listed twice, in whatever spelling", () => {
    const a = grip("A")
    for (
      const [one, other, as] of [
        ["a@b.org", "a@b.org", "twice"],
        ["a@b.org", "<A@B.ORG>", "already, as \"a@b.org\""],
        [a, `0x${a.toLowerCase()}`, `already, as "${a}"`],
        ["0123456789ABCDEF!", "0x0123456789abcdef!", "already, as \"0123456789ABCDEF!\""]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[anyone]", `keys = ["${one}", "${other}"]`), [
        `p.toml:2:${13 + one.length}: "${other}" is listed ${as}`
      ])
    }
    assert.strictEqual(policyOf("[anyone]", `keys = ["${a}", "${a}!", "grip:${a}"]`).anyone?.selectors.length, 3)
  })

  it("tells what is wrong with a selector at its place", () => {
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [\"a@b.org\", \"Alice\"]"), [
      `p.toml:2:20: "Alice" is no key: a name can be anybody's\nhint: ${SELECTOR_FORMS}`
    ])
  })

  it("refuses what is not an array of strings", () => {
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = \"*\""), [
      "p.toml:2:8: expected an array of strings, got a string\nhint: keys = [\"*\"]"
    ])
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = true"), [
      "p.toml:2:8: expected an array of strings, got a boolean\nhint: keys = [\"*\"] stands for every key"
    ])
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [7, [\"*\"], { all = true }]"), [
      `p.toml:2:9: expected a string, got a number\nhint: ${SELECTOR_FORMS}`,
      `p.toml:2:12: expected a string, got an array\nhint: ${SELECTOR_FORMS}`,
      `p.toml:2:19: expected a string, got a table\nhint: ${SELECTOR_FORMS}`
    ])
  })
})
