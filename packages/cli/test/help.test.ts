import { assert, describe, it } from "@effect/vitest"
import { wrap } from "../src/help.ts"
import { gripgate } from "./support/cli.ts"

describe("--help", () => {
  const verbs = [
    "serve",
    "check",
    "lint",
    "status",
    "asks",
    "approve",
    "deny",
    "watch",
    "grant",
    "grants",
    "renew",
    "rotate",
    "revoke",
    "tty",
    "log",
    "demo",
    "testkit",
    "completions"
  ]

  it("is there for the command and each verb, on stdout, in 80 columns", async () => {
    await Promise.all([[], ...verbs.map((verb) => [verb])].map(async (path) => {
      const { code, stderr, stdout } = await gripgate([...path, "--help"])
      assert.strictEqual(code, 0)
      assert.strictEqual(stderr, "")
      assert.strictEqual(stdout.split("\n")[0]?.startsWith(`usage: ${["gripgate", ...path].join(" ")}`), true, stdout)
      assert.deepStrictEqual(stdout.split("\n").filter((line) => line.length > 80 || line !== line.trimEnd()), [])
      for (const verb of path.length === 0 ? verbs : []) assert.match(stdout, new RegExp(`^  ${verb} {2,}\\S`, "m"))
    }))
  })

  it("names the arguments and every flag with its value", async () => {
    const { stdout } = await gripgate(["serve", "--help"])
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--\S+(?: \S+)?)/gm)].map(([, flag]) => flag)
    assert.deepStrictEqual(flags, [
      "--policy FILE",
      "--default VERDICT",
      "--homedir DIR",
      "--upstream SOCKET",
      "--stand-in",
      "--listen [APP=]SOCKET",
      "--state DIR",
      "--control SOCKET",
      "--verbose",
      "--help",
      "--version"
    ])
  })
})

describe("wrap", () => {
  it("breaks between words, keeps line feeds, and leaves a word that is too long whole", () => {
    assert.strictEqual(wrap("one two three", "  ", 9), "  one two\n  three")
    assert.strictEqual(wrap("one\n\ntwo", "  ", 9), "  one\n\n  two")
    assert.strictEqual(wrap("a pneumonoultramicroscopic b", "", 9), "a\npneumonoultramicroscopic\nb")
  })
})
