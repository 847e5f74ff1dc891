import { assert, describe, it } from "@effect/vitest"
import { type Node, readTree } from "@gripgate/policy/file/tree"
import * as Result from "effect/Result"
import { problemsOf } from "../read.ts"

describe("readTree: errors of syntax", () => {
  it("tells the first alone, at its line and column", () => {
    for (
      const [text, expected] of [
        ["default = \"ask\"\nbogus = 1\nsign \"x\"\nalso = bogus", "p.toml:3:6: not TOML: expected equal (=) token"],
        ["default = \"ask", "p.toml:1:15: not TOML: unterminated string constant"],
        ["[apps.git]\n\n[apps.git]", "p.toml:3:7: not TOML: defining a key multiple times is invalid"],
        ["default = \"ask\"\ndefault = \"ask\"", "p.toml:2:1: not TOML: defining a key multiple times is invalid"],
        ["[apps]\ngit.sign = \"ask\"\n[apps.git]", "p.toml:3:7: not TOML: defining a key multiple times is invalid"],
        ["anyone = {}\n[anyone]", "p.toml:2:2: not TOML: defining a key multiple times is invalid"],
        ["default = \"a\\qb\"", "p.toml:1:14: not TOML: invalid character in escape sequence"],
        ["anyone = { sign = \"ask\", }", "p.toml:1:26: not TOML: trailing comma is not permitted in an inline table"],
        ["default = \"ask\" sign = \"ask\"", "p.toml:1:17: not TOML: must be a newline"],
        ["\u0000", "p.toml:1:1: not TOML: unexpected character"]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(text), [expected])
    }
  })

  it("says that text stands in quotes", () => {
    for (
      const [text, expected] of [
        ["default = ask", "p.toml:1:11: not TOML: unexpected character\nhint: text stands in quotes: \"ask\""],
        [
          "[operations]\r\nsign=forbid # x",
          "p.toml:2:6: not TOML: unexpected character\nhint: text stands in quotes: \"forbid\""
        ],
        ["keys = [grip:00]", "p.toml:1:9: not TOML: unexpected character\nhint: text stands in quotes: \"grip:00\""],
        [
          "keys = [\n  \"*\",\n  a@b.org\n]",
          "p.toml:3:3: not TOML: unexpected character\nhint: text stands in quotes: \"a@b.org\""
        ],
        [
          "[apps.a]\nsocket-mode = 0660",
          "p.toml:2:15: not TOML: leading zeros are not allowed\nhint: text stands in quotes: \"0660\""
        ]
      ] as const
    ) {
      assert.deepStrictEqual(problemsOf(text), [expected])
    }
  })

  it("does not let a lone carriage return end a comment", () => {
    const hidden = "default = \"forbid\"\n# looks like a comment \r[operations] \rexport = \"allow\"\n"
    assert.deepStrictEqual(problemsOf(hidden), ["p.toml:2:24: carriage return without a line feed"])
  })

  it("refuses a byte order mark by name", () => {
    assert.deepStrictEqual(problemsOf("\uFEFFdefault = \"ask\""), [
      "p.toml:1:1: the file begins with a byte order mark\nhint: save the file as UTF-8 without a byte order mark"
    ])
  })

  it("is not brought down by nesting or length", () => {
    const gaveUp = "p.toml:1:1: not readable as TOML: a value is too long or too deeply nested"
    const nested = (depth: number) => `a = ${"[".repeat(depth)}${"]".repeat(depth)}`
    assert.deepStrictEqual(problemsOf(nested(50_000)), [gaveUp])
    assert.deepStrictEqual(problemsOf(`a = ${"{b=".repeat(50_000)}1${"}".repeat(50_000)}`), [gaveUp])
    assert.deepStrictEqual(problemsOf(`a = "${"\\n".repeat(500_000)}"`), [gaveUp])
    for (const text of [nested(500), `${"a.".repeat(20_000)}b = 1`, `[${"a.".repeat(20_000)}b]`]) {
      assert.match(problemsOf(text)[0]!, /^p.toml:1:[12]: "a" is not known to this version of gripgate\n/)
    }
  })
})

describe("readTree: what a file becomes", () => {
  it("keeps integers as numbers and as written, and no content of other numbers", () => {
    const place = { file: "p.toml", line: 1, column: 5 }
    for (
      const [written, node] of [
        ["7", { kind: "integer", place, value: 7, text: "7" }],
        ["0", { kind: "integer", place, value: 0, text: "0" }],
        ["-0", { kind: "integer", place, value: 0, text: "-0" }],
        ["1_000", { kind: "integer", place, value: 1000, text: "1_000" }],
        ["0o660", { kind: "integer", place, value: 432, text: "0o660" }],
        ["0xFF", { kind: "integer", place, value: 255, text: "0xFF" }],
        ["1.5", { kind: "number", place }],
        ["inf", { kind: "number", place }]
      ] as const
    ) {
      const tree = Result.getOrThrow(readTree(`a = ${written}`, "p.toml"))
      assert.deepStrictEqual<unknown>(tree.settings.get("a")?.node, node)
    }
  })

  it("keeps values down to a setting of an operation of a key, in every form", () => {
    for (
      const text of [
        "[apps.a.with.b.sign]\nverdict = \"ask\"",
        "apps.a.with.b.sign.verdict = \"ask\"",
        "apps = { a = { with = { b = { sign = { verdict = \"ask\" } } } } }",
        "[apps.a.with]\nb.sign = { verdict = \"ask\" }"
      ]
    ) {
      let node: Node | undefined = Result.getOrThrow(readTree(text, "p.toml"))
      for (const key of ["apps", "a", "with", "b", "sign", "verdict"]) {
        node = node?.kind === "table" ? node.settings.get(key)?.node : undefined
      }
      assert.strictEqual(node?.kind === "string" ? node.value : undefined, "ask", text)
    }
  })
})
