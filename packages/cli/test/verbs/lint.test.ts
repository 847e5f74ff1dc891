import { assert, describe, it } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { symlinkSync } from "node:fs"
import { join } from "node:path"
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
keys = ["alice@"]
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
        "p.toml:8:9: error: \"alice@\" is not one m"
      ]
    )
    assert.include(stdout, "\n  hint: did you mean \"sign\"?\n")
    assert.strictEqual(stderr, "gripgate: error: p.toml cannot be used as it is: 4 problems\n")
  })

  it("tells an error of syntax alone", async () => {
    const { code, stdout } = await lint("default = ask\n[operations\n")
    assert.strictEqual(code, 78)
    assert.match(stdout, /^p\.toml:1:\d+: error: not TOML: [^\n]*\n {2}hint: text stands in quotes: "ask"\n$/)
  })

  it("warns of what will not happen as it reads, with exit code 0", async () => {
    const { code, stderr, stdout } = await lint("[operations]\nsign = \"token\"\n")
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout, /^p\.toml: warning: the file has no default/)
    assert.match(stdout, /^p\.toml:2:1: warning: .*only an app can have a token$/m)
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

  it("says what selectors stand for, who cannot be told apart, and what rests on what a client can imitate", async () => {
    await using homedir = await makeHomedir()
    const { fingerprint } = await importKey(homedir, "plain")
    const uid = process.getuid!()
    const text = [
      "default = \"forbid\"",
      "[apps.a]",
      `match = { user = ${uid + 1} }`,
      "keys = [\"alice@example.org\", \"bob@example.org\"]",
      "[apps.b]",
      `match = { user = [${uid + 1}, ${uid + 2}] }`,
      `keys = ["${fingerprint}!"]`,
      "sign = \"token\"",
      "export = \"allow\"",
      "[apps.c]",
      "match = { exe = \"/nowhere/at/all\" }",
      "keys = []"
    ].join("\n")
    const { code, stdout } = await lint(text, "--homedir", homedir.path)
    assert.strictEqual(code, 78)
    const id = fingerprint.slice(-16)
    const lines = stdout.split("\n").filter((line) => line.startsWith("p.toml:"))
    const expected = [
      `p.toml:4:9: info: "alice@example.org" is ${id} Alice <alice@example.org>, `,
      "p.toml:4:30: warning: no certificate of yours has the address \"bob@example.org\": its keys stay hidden",
      "p.toml:6:1: error: a client can be both a (line 3) and b, and is refused everything then",
      `p.toml:7:9: info: "${fingerprint}!" is ${id} Alice <alice@example.org>`,
      "p.toml:9:1: warning: [apps.b] export = \"allow\" contradicts [apps.b] sign = \"token\"",
      "p.toml:11:11: warning: nobody can be this app now: there is no /nowhere/at/all",
      "p.toml:11:1: note: [apps.c] rests on facts that a program of the same user can imitate: exe"
    ]
    for (const line of expected) assert.isTrue(lines.some((each) => each.startsWith(line)), `${line}\n\n${stdout}`)
  })

  it("warns of a program that is a link or a script, which the kernel never names", async () => {
    const home = makeFolder()
    const target = put(home, "real", "\u007fELF")
    const script = put(home, "script", "#!/bin/sh\n")
    symlinkSync(target, join(home, "link"))
    put(
      home,
      "p.toml",
      [
        "default = \"forbid\"",
        "[apps.a]",
        `match = { exe = "${join(home, "link")}", user = 1 }`,
        "keys = []",
        "[apps.b]",
        `match = { exe = "${script}", user = 2 }`,
        "keys = []"
      ].join("\n")
    )
    const { stdout } = await gripgate(["lint", "p.toml"], home)
    assert.include(stdout, `p.toml:3:11: warning: nobody can be this app: ${join(home, "link")} is a link`)
    assert.include(stdout, `hint: write "${target}"`)
    assert.include(stdout, `p.toml:6:11: warning: nobody can be this app: ${script} is a script`)
  })

  it("refuses a user that nobody is, and a key that stands in two certificates, with their places", async () => {
    const { code, stdout } = await lint("[apps.a]\nkeys = []\nmatch = { user = \"no-such-user-here\" }\n")
    assert.strictEqual(code, 78)
    assert.include(stdout, "p.toml:3:11: error: there is no user \"no-such-user-here\" on this machine")
  })

  it("prints the schema of a policy file", async () => {
    const { code, stdout } = await gripgate(["lint", "--schema"])
    assert.strictEqual(code, 0)
    assert.strictEqual(JSON.parse(stdout).$schema, "https://json-schema.org/draft/2020-12/schema")
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
