import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { gripgate, makeFolder, put } from "../support/cli.ts"

const POLICY = `default = "ask"

[operations]
export = "forbid"
sign = "forbid"

[apps.git]
socket = "git"
keys = ["grip:9fcb64c268c81617336e8821996e584aae650a0a"]
sign = "allow"
loopback = "token"
`

const KNOWN = "9FCB64C268C81617336E8821996E584AAE650A0A"
const OTHER = "349AE8F7F4653924852C42093EBD4D6B0E0B43A1"

const check = async (...args: ReadonlyArray<string>) => {
  const home = makeFolder()
  put(home, "p.toml", POLICY)
  return gripgate(["check", ...args, "--policy", "p.toml"], home)
}

describe("gripgate check", () => {
  it("explains a verdict by every entry that was considered", async () => {
    const { code, stderr, stdout } = await check("git", "sign", `grip:${KNOWN.toLowerCase()}`)
    assert.strictEqual(
      stdout,
      `git, sign with key ${KNOWN}: allow

* [apps.git] sign = "allow"  (p.toml:10:1)
      holds: [apps.git] names sign, and nothing is more specific
  [operations] sign = "forbid"  (p.toml:5:1)
      less specific than [apps.git] sign = "allow"
  default = "ask"  (p.toml:1:1)
      only for what nothing names: [apps.git] sign = "allow"
`
    )
    assert.deepStrictEqual([code, stderr], [0, ""])
  })

  it("ends with the exit code of the verdict", async () => {
    const codes = await Promise.all([
      check("git", "sign"),
      check("git", "export"),
      check("git", "decrypt"),
      check("git", "loopback"),
      check("anyone", "admin")
    ])
    assert.deepStrictEqual(codes.map(({ code }) => code), [0, 10, 11, 12, 10])
  })

  it("says that a key which the app does not see is forbidden, whatever is allowed", async () => {
    const { code, stdout } = await check("git", "sign", OTHER)
    assert.strictEqual(code, 10)
    assert.include(
      stdout,
      "* [apps.git] keys does not name this key  (p.toml:9:1)\n      holds: the key does not exist"
    )
  })

  it("notes what the verdict does not say: keys that are not seen, and that asking is not possible yet", async () => {
    const { stdout } = await check("anyone", "decrypt")
    const [, ...notes] = stdout.split("\n\nnote: ").map((note) => note.replaceAll("\n", " ").trim())
    assert.deepStrictEqual(notes, [
      "[anyone] sees no key: gpg says \"No secret key\" to every use of one",
      "this version of gripgate cannot put a question to the owner, and refuses"
    ])
  })

  it("prints the same as JSON", async () => {
    const { code, stdout } = await check("git", "export", "--json")
    assert.strictEqual(code, 10)
    assert.deepStrictEqual(JSON.parse(stdout), {
      v: 1,
      policy: "p.toml",
      app: "git",
      operation: "export",
      keygrip: null,
      verdict: "forbid",
      considered: [
        {
          entry: "[operations] export = \"forbid\"",
          verdict: "forbid",
          place: { file: "p.toml", line: 4, column: 1 },
          where: "operations",
          operation: "export",
          holds: true,
          why: "[apps.git] does not name export"
        },
        {
          entry: "default = \"ask\"",
          verdict: "ask",
          place: { file: "p.toml", line: 1, column: 1 },
          where: "default",
          operation: "export",
          holds: false,
          why: "only for what nothing names: [operations] export = \"forbid\""
        }
      ]
    })
  })

  it("suggests the app, the operation and the form of a key that were meant", async () => {
    const first = async (...args: ReadonlyArray<string>) => {
      const { code, stderr } = await check(...args)
      assert.strictEqual(code, 64)
      return stderr.split("\n").slice(0, 2).join("\n")
    }
    const [app, operation, key] = await Promise.all([
      first("gti", "sign"),
      first("git", "sing"),
      first("git", "sign", "0x72BBE6E1D1762C2F")
    ])
    assert.strictEqual(app, "gripgate: error: the policy has no app \"gti\"\ngripgate: hint: did you mean \"git\"?")
    assert.strictEqual(operation, "gripgate: error: unknown operation \"sing\"\ngripgate: hint: did you mean \"sign\"?")
    assert.include(key, "gripgate: error: \"0x72BBE6E1D1762C2F\" is no keygrip\ngripgate: hint: a keygrip has 40")
  })
})

describe("the policy of a verb", () => {
  it("is the built-in one where there is no file, and that is said", async () => {
    const { code, stdout } = await gripgate(["check", "anyone", "export"])
    assert.strictEqual(code, 0)
    assert.include(stdout, "* default = \"allow\"\n")
    assert.include(stdout.replaceAll("\n", " "), "note: there is no policy file, so this is the built-in policy")
  })

  it("is the one at its standard place", async () => {
    const home = makeFolder()
    const file = put(home, ".config/gripgate/policy.toml", "default = \"forbid\"\n")
    const { code, stdout } = await gripgate(["check", "anyone", "export"], home)
    assert.strictEqual(code, 10)
    assert.include(stdout, `* default = "forbid"  (${file}:1:1)`)
  })

  it("is one word where --default says so", async () => {
    const home = makeFolder()
    put(home, ".config/gripgate/policy.toml", "default = \"forbid\"\n")
    assert.strictEqual((await gripgate(["check", "anyone", "export", "--default", "ask"], home)).code, 11)
  })

  it("cannot be both a file and a word", async () => {
    const { code, stderr } = await check("anyone", "export", "--default", "ask")
    assert.strictEqual(code, 64)
    assert.isTrue(
      stderr.startsWith("gripgate: error: --policy and --default exclude each other\nusage: gripgate check ")
    )
  })

  it("never is the built-in one because the file cannot be read: missing, a directory, a link to itself", async () => {
    const home = makeFolder()
    put(home, "folder/policy.toml", "")
    const [missing, directory, standard] = await Promise.all([
      gripgate(["check", "anyone", "sign", "--policy", "missing.toml"], home),
      gripgate(["check", "anyone", "sign", "--policy", "folder"], home),
      (() => {
        const odd = makeFolder()
        mkdirSync(join(odd, ".config/gripgate"), { recursive: true })
        symlinkSync("policy.toml", join(odd, ".config/gripgate/policy.toml"))
        return gripgate(["check", "anyone", "sign"], odd)
      })()
    ])
    assert.deepStrictEqual(missing, {
      code: 78,
      stdout: "",
      stderr: "gripgate: error: missing.toml: the policy cannot be read: no such file or directory\n"
    })
    assert.deepStrictEqual(directory, {
      code: 78,
      stdout: "",
      stderr: "gripgate: error: folder: expected a policy file, found a directory\n"
    })
    assert.strictEqual(standard.code, 78)
    assert.match(
      standard.stderr,
      /^gripgate: error: .*policy\.toml: the policy cannot be read: too many symbolic links encountered\n$/
    )
  })

  it("is refused with all that is wrong with it", async () => {
    const home = makeFolder()
    put(home, "p.toml", "default = \"alow\"\n[operations]\nsing = \"ask\"\n")
    const { code, stderr, stdout } = await gripgate(["check", "anyone", "sign", "--policy", "p.toml"], home)
    assert.deepStrictEqual([code, stdout], [78, ""])
    assert.strictEqual(
      stderr,
      `gripgate: error: p.toml:1:11: expected "allow", "ask" or "forbid", got "alow"
gripgate: hint: did you mean "allow"?
gripgate: error: p.toml:3:1: "sing" in [operations] is not known to this version of gripgate
gripgate: hint: did you mean "sign"?
`
    )
  })
})
