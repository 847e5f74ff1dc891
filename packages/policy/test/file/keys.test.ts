import { assert, describe, it } from "@effect/vitest"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { grip, policyOf, problemsOf } from "../read.ts"

const known =
  "hint: this version knows \"*\" and \"grip:\" with the 40 digits that gpg --list-secret-keys --with-keygrip shows"

describe("keys", () => {
  it("takes keygrips in either case for the same key", () => {
    const policy = policyOf("[anyone]", `keys = ["grip:${"aB".repeat(20)}", "grip:${grip("0")}"]`)
    assert.deepStrictEqual(policy.anyone?.keys, new Set([parseKeygrip("AB".repeat(20))!, grip("0")]))
    assert.deepStrictEqual(problemsOf("[anyone]", `keys = ["grip:${"aB".repeat(20)}", "grip:${"Ab".repeat(20)}"]`), [
      `p.toml:2:58: keygrip ${"AB".repeat(20)} is listed twice`
    ])
  })

  it("takes \"*\" alone for every key", () => {
    assert.strictEqual(policyOf("[anyone]", "keys = [\"*\"]").anyone?.keys, "all")
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [\"*\", \"*\"]"), [
      "p.toml:2:9: \"*\" stands for every key: list it alone",
      "p.toml:2:14: \"*\" is listed twice"
    ])
  })

  it("refuses every other form of selector and says which this version knows", () => {
    for (
      const [selector, form] of [
        ["alice@example.org", "address (\"alice@example.org\")"],
        ["<alice@example.org>", "address (\"<alice@example.org>\")"],
        ["0x1234567890ABCDEF!", "fingerprint or key id (\"0x1234567890ABCDEF!\")"],
        ["1234abcd", "fingerprint or key id (\"1234abcd\")"],
        [grip("A"), `fingerprint or key id ("${grip("A")}")`],
        ["Alice", "the name \"Alice\""],
        ["", "the name \"\""],
        ["**", "the name \"**\""],
        [`GRIP:${grip("A")}`, `the name "GRIP:${grip("A")}"`]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf("[anyone]", `keys = ["${selector}"]`), [
        `p.toml:2:9: a key by ${form} is not known to this version of gripgate\n${known}`
      ])
    }
  })

  it("refuses a keygrip that is not exactly 40 hexadecimal digits", () => {
    for (const digits of ["", "A".repeat(39), "A".repeat(41), `${"A".repeat(39)}G`, ` ${grip("A")}`, `${grip("A")} `]) {
      assert.deepStrictEqual(problemsOf("[anyone]", `keys = ["grip:${digits}"]`), [
        `p.toml:2:9: expected "grip:" and 40 hexadecimal digits, got "grip:${digits}"\n${known}`
      ])
    }
  })

  it("refuses what is not an array of strings", () => {
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = \"*\""), [
      "p.toml:2:8: expected an array of strings, got a string\nhint: keys = [\"*\"]"
    ])
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = true"), [
      "p.toml:2:8: expected an array of strings, got a boolean\nhint: keys = [\"*\"] stands for every key"
    ])
    assert.deepStrictEqual(problemsOf("[anyone]", "keys = [7, [\"*\"], { all = true }]"), [
      `p.toml:2:9: expected a string, got a number\n${known}`,
      `p.toml:2:12: expected a string, got an array\n${known}`,
      `p.toml:2:19: expected a string, got a table\n${known}`
    ])
  })
})
