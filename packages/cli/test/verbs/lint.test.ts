import { assert, describe, it } from "@effect/vitest"
import { gripgate, makeFolder, put } from "../support/cli.ts"

const lint = async (text: string, ...flags: ReadonlyArray<string>) => {
  const home = makeFolder()
  put(home, "p.toml", text)
  return gripgate(["lint", "p.toml", ...flags], home)
}

const BROKEN = `default = "alow"

[operations]
sing = "ask"

[apps.git]
socket = "a/b"
keys = ["alice@example.org"]
`

describe("gripgate lint", () => {
  it("finds nothing about a policy that does what it says", async () => {
    const { code, stderr, stdout } = await lint("default = \"allow\"\n\n[operations]\nexport = \"forbid\"\n")
    assert.deepStrictEqual([code, stdout, stderr], [0, "p.toml: no problems\n", ""])
  })

  it("tells all problems at once, each with its place, with exit code 78", async () => {
    const { code, stderr, stdout } = await lint(BROKEN)
    assert.strictEqual(code, 78)
    assert.deepStrictEqual(
      stdout.split("\n").filter((line) => line.startsWith("p.toml:")).map((line) => line.slice(0, 40)),
      [
        "p.toml:1:11: error: expected \"allow\", \"a",
        "p.toml:4:1: error: \"sing\" in [operations",
        "p.toml:7:10: error: \"a/b\" is neither a f",
        "p.toml:8:9: error: a key by address (\"al"
      ]
    )
    assert.include(stdout, "\n  hint: did you mean \"sign\"?\n")
    assert.strictEqual(stderr, "gripgate: error: p.toml cannot be used: 4 problems\n")
  })

  it("tells an error of syntax alone", async () => {
    const { code, stdout } = await lint("default = ask\n[operations\n")
    assert.strictEqual(code, 78)
    assert.match(stdout, /^p\.toml:1:\d+: error: not TOML: [^\n]*\n {2}hint: text stands in quotes: "ask"\n$/)
  })

  it("warns of what will not happen as it reads, with exit code 0", async () => {
    const { code, stderr, stdout } = await lint("[operations]\nsign = \"ask\"\n")
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^p\.toml: warning: the file has no default/)
    assert.match(stdout, /^p\.toml:2:1: warning: .*cannot put a question to the owner$/m)
  })

  it("prints the same as JSON", async () => {
    const { code, stderr, stdout } = await lint(BROKEN, "--json")
    assert.deepStrictEqual([code, stderr], [78, ""])
    const { findings, ...about } = JSON.parse(stdout)
    assert.deepStrictEqual(about, { v: 1, file: "p.toml", usable: false })
    assert.deepStrictEqual(findings.map(({ column, level, line }: Record<string, unknown>) => [level, line, column]), [
      ["error", 1, 11],
      ["error", 4, 1],
      ["error", 7, 10],
      ["error", 8, 9]
    ])
  })

  it("judges the file at the standard place where none is named, and says where that is when there is none", async () => {
    const home = makeFolder()
    const file = put(home, ".config/gripgate/policy.toml", "default = \"allow\"\n")
    assert.strictEqual((await gripgate(["lint"], home)).stdout, `${file}: no problems\n`)
    const empty = makeFolder()
    const { code, stdout } = await gripgate(["lint"], empty)
    assert.strictEqual(code, 78)
    assert.strictEqual(
      stdout,
      `${empty}/.config/gripgate/policy.toml: error: the policy cannot be read: no such file or directory\n`
    )
  })
})
