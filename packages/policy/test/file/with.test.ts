import { assert, describe, it } from "@effect/vitest"
import { grip, policyOf, problemsOf } from "../read.ts"

const app = ["[apps.git]", "socket = \"git\"", "keys = [\"*\"]"]

describe("with", () => {
  it("reads operations for single keys, and by keygrip where that is how they go", () => {
    const git = policyOf(
      ...app,
      "[apps.git.with.\"Release@example.org\"]",
      "sign = { verdict = \"ask\", remember = \"never\" }",
      `[apps.git.with."grip:${grip("a")}"]`,
      "decrypt = \"forbid\""
    ).apps.get("git")!
    const at = (line: number, column: number) => ({ file: "p.toml", line, column })
    const decrypt = new Map([["decrypt", {
      verdict: "forbid",
      place: at(7, 1),
      text: `[apps.git.with."grip:${grip("a")}"] decrypt = "forbid"`
    }]])
    assert.deepStrictEqual<unknown>(git.with, [
      {
        selector: {
          text: "Release@example.org",
          place: at(4, 16),
          wanted: { kind: "address", address: "release@example.org" }
        },
        operations: new Map([["sign", {
          verdict: "ask",
          place: at(5, 1),
          text: "[apps.git.with.\"Release@example.org\"] sign = \"ask\", remember never",
          remember: 0
        }]])
      },
      {
        selector: { text: `grip:${grip("a")}`, place: at(6, 16), wanted: { kind: "grip", keygrip: grip("A") } },
        operations: decrypt
      }
    ])
    assert.deepStrictEqual<unknown>(git.byKey, new Map([[grip("A"), decrypt]]))
  })

  it("refuses what names no single keys", () => {
    for (
      const [lines, problem] of [
        [
          ["[apps.git.with.\"*\"]", "sign = \"ask\""],
          "p.toml:4:16: \"*\" has no table of its own\nhint: what holds with every key stands in [apps.git]"
        ],
        [
          ["[apps.git.with.1234ABCD]"],
          "p.toml:4:16: a key id of 8 digits can be forged: \"1234ABCD\"\n"
          + "hint: give the fingerprint, or the 16 digits that gpg --list-keys --keyid-format long shows"
        ],
        [
          ["with = []"],
          "p.toml:4:8: expected a table, got an array\nhint: [apps.git.with.\"alice@example.org\"]"
        ],
        [
          ["[apps.git.with]", "sign = \"ask\""],
          "p.toml:5:8: expected a table, got a string\nhint: [apps.git.with.\"alice@example.org\"]"
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(...app, ...lines), [problem])
    }
  })

  it("refuses two tables for one selector, in whatever spelling", () => {
    const lines = [...app, "[apps.git.with.0x0123456789abcdef]", "[apps.git.with.0123456789ABCDEF]", "sign = \"ask\""]
    assert.deepStrictEqual(problemsOf(...lines), [
      "p.toml:5:16: \"0123456789ABCDEF\" has a table already: \"0x0123456789abcdef\" (line 4)\n"
      + "hint: both name the same keys: make one table of the two"
    ])
    assert.strictEqual(
      policyOf(...app, "[apps.git.with.0123456789abcdef]", "[apps.git.with.\"0123456789abcdef!\"]").apps.get("git")!
        .with
        .length,
      2
    )
  })

  it("holds operations and nothing else", () => {
    const problems = problemsOf(...app, "[apps.git.with.\"a@b.org\"]", "keys = []", "sgin = \"ask\"", "sign = \"aks\"")
    assert.deepStrictEqual(problems.map((problem) => problem.split("\n")[0]), [
      "p.toml:5:1: \"keys\" in [apps.git.with.\"a@b.org\"] is not known to this version of gripgate",
      "p.toml:6:1: \"sgin\" in [apps.git.with.\"a@b.org\"] is not known to this version of gripgate",
      "p.toml:7:8: expected \"allow\", \"ask\", \"token\" or \"forbid\", got \"aks\""
    ])
    assert.match(problems[1]!, /\nhint: did you mean "sign"\?$/)
  })

  it("is for apps only", () => {
    assert.deepStrictEqual(problemsOf("[anyone.with.\"a@b.org\"]", "sign = \"ask\""), [
      "p.toml:1:9: [anyone] cannot have entries for single keys\n"
      + "hint: make whoever is meant an app: [apps.NAME.with.\"SELECTOR\"]"
    ])
  })
})
