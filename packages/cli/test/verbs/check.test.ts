import { assert, describe, it } from "@effect/vitest"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
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
    const { code, stderr, stdout } = await check("git", "loopback", `grip:${KNOWN.toLowerCase()}`)
    assert.strictEqual(
      stdout,
      `git, loopback with key ${KNOWN}: token

* [apps.git] loopback = "token"  (p.toml:11:1)
      holds: [apps.git] names loopback, and nothing is more specific
  default = "ask"  (p.toml:1:1)
      only for what nothing names: [apps.git] loopback = "token"

exit code 12
`
    )
    assert.deepStrictEqual([code, stderr], [12, ""])
  })

  it("judges a signature by all that it may be, where nobody knows what the key is for", async () => {
    const { code, stdout } = await check("git", "sign", KNOWN)
    assert.strictEqual(code, 0)
    assert.strictEqual(stdout.split("\n")[0], `git, sign with key ${KNOWN}: allow`)
    for (const each of ["sign", "certify", "authenticate"]) {
      assert.include(stdout, `\n${each} with key ${KNOWN}: allow\n`)
    }
    assert.include(stdout, "less specific than [apps.git] sign = \"allow\"")
  })

  it("takes a client of elsewhere for what its transport says", async () => {
    const home = makeFolder()
    const app = (name: string, match: string) => `[apps.${name}]\nmatch = { ${match} }\nkeys = ["*"]\nsign = "allow"\n`
    const build = app("build", "via = \"ssh\", remote = \"192.0.2.*\"")
    put(home, "p.toml", `default = "forbid"\n${build}${app("work", "qube = \"work\"")}`)
    const far = async (...args: ReadonlyArray<string>) => {
      const { code, stdout } = await gripgate(["check", ...args, "--policy", "p.toml"], home)
      return [code, stdout.split("\n").find((line) => line.startsWith("recognised ")) ?? ""]
    }
    const transport = "recognised by what its transport says"
    assert.deepStrictEqual(await far("build", "sign", "--via", "ssh", "--remote", "192.0.2.7"), [0, transport])
    const unfit = "recognised nobody, since it does not fit the app that its transport names"
    assert.deepStrictEqual(await far("build", "sign", "--via", "ssh"), [10, `${unfit}: build`])
    assert.deepStrictEqual(await far("none", "sign", "--via", "connect"), [10, `${unfit}: none`])
    assert.deepStrictEqual(await far("work", "sign", "--via", "qrexec", "--qube", "work"), [0, transport])
    assert.deepStrictEqual(await far("anyone", "sign", "--via", "qrexec", "--qube", "work"), [0, transport])
    const other = await far("anyone", "sign", "--via", "qrexec", "--qube", "other")
    assert.deepStrictEqual(other, [10, "recognised no app of the policy"])
    for (
      const wrong of [
        ["build", "sign", "--via", "qrexec"],
        ["build", "sign", "--remote", "192.0.2.7"],
        ["build", "sign", "--via", "ssh", "--qube", "work"],
        ["build", "sign", "--via", "telnet"],
        ["anyone", "sign", "--via", "ssh"],
        ["sign", "--pid", "1", "--via", "ssh"]
      ]
    ) assert.deepStrictEqual(await far(...wrong), [64, ""], wrong.join(" "))
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

  it("notes what the verdict does not say: keys that are not seen", async () => {
    const { stdout } = await check("anyone", "decrypt")
    const [, ...notes] = stdout.split("\n\nnote: ").map((note) => note.replaceAll("\n", " ").trim())
    assert.deepStrictEqual(notes, [
      "[anyone] sees no key: gpg says \"No secret key\" to every use of one"
    ])
  })

  it("prints the same as JSON", async () => {
    const { code, stdout } = await check("git", "export", "--json")
    assert.strictEqual(code, 10)
    assert.deepStrictEqual(JSON.parse(stdout), {
      v: 1,
      policy: "p.toml",
      app: "git",
      nobody: null,
      operation: "export",
      keygrips: null,
      verdict: "forbid",
      barred: null,
      process: null,
      decisions: [{
        operation: "export",
        keygrip: null,
        keyId: null,
        verdict: "forbid",
        considered: [{
          entry: "[operations] export = \"forbid\"",
          verdict: "forbid",
          place: { file: "p.toml", line: 4, column: 1 },
          where: "operations",
          operation: "export",
          holds: true,
          why: "[apps.git] does not name export"
        }, {
          entry: "default = \"ask\"",
          verdict: "ask",
          place: { file: "p.toml", line: 1, column: 1 },
          where: "default",
          operation: "export",
          holds: false,
          why: "only for what nothing names: [operations] export = \"forbid\""
        }]
      }]
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
    assert.include(key, "gripgate: error: no key of the keyring is \"0x72BBE6E1D1762C2F\"\ngripgate: hint: gpg --list")
  })
})

describe("gripgate check, with a keyring", () => {
  it("takes a key as the policy names it, and judges those of its keys that are for the operation", async () => {
    await using homedir = await makeHomedir()
    const { fingerprint, keygrips } = await importKey(homedir, "plain")
    const home = makeFolder()
    put(home, "p.toml", "[apps.mail]\nsocket = \"mail\"\nkeys = [\"alice@example.org\"]\ncertify = \"forbid\"\n")
    const ask = (operation: string, key: string) =>
      gripgate(["check", "mail", operation, key, "--homedir", homedir.path, "--policy", "p.toml", "--json"], home)
    const cases: ReadonlyArray<readonly [string, string, number, ReadonlyArray<readonly [string, string, string]>]> = [
      // the primary key signs and certifies
      ["sign", "alice@example.org", 10, [
        ["sign", keygrips.primary, "allow"],
        ["certify", keygrips.primary, "forbid"]
      ]],
      ["decrypt", "alice@example.org", 0, [["decrypt", keygrips.encryption, "allow"]]],
      ["decrypt", `0x${fingerprint.slice(-16)}!`, 10, []],
      // what hands out the key is as strict as its strictest use
      ["export", `${fingerprint}!`, 10, [["export", keygrips.primary, "forbid"]]]
    ]
    for (const [operation, key, expected, parts] of cases) {
      const { code, stdout } = await ask(operation, key)
      const { decisions } = JSON.parse(stdout)
      assert.strictEqual(code, expected, `${operation} ${key}`)
      assert.deepStrictEqual(
        decisions.map(({ keygrip, operation, verdict }: Record<string, string>) => [operation, keygrip, verdict]),
        parts
      )
    }
  })
})

describe("gripgate check --pid", () => {
  const withMatch = (match: string, more = "") => {
    const home = makeFolder()
    put(home, "p.toml", `default = "forbid"\n[apps.x]\nkeys = ["*"]\nmatch = { ${match} }\nsign = "allow"\n${more}`)
    return (...args: ReadonlyArray<string>) => gripgate(["check", ...args, "--policy", "p.toml"], home)
  }
  const pid = String(process.pid)

  it("says who a process that runs would be, and why", async () => {
    const { code, stdout } = await withMatch(`user = ${process.getuid!()}, exe = ${JSON.stringify(process.execPath)}`)(
      "--pid",
      pid,
      "sign"
    )
    assert.strictEqual(code, 0)
    assert.match(stdout, /^x, sign: allow\n/)
    assert.include(stdout, `process ${pid}: user `)
    assert.include(stdout, "* [apps.x]: everything holds (kernel)")
  })

  it("says why it is no app, or could be several", async () => {
    const none = await withMatch("exe = \"/usr/bin/nobody-has-this\"")("--pid", pid, "sign")
    assert.strictEqual(none.code, 10)
    assert.include(none.stdout, "[apps.x]: exe = \"/usr/bin/nobody-has-this\" does not hold")
    const other = `[apps.y]\nkeys = ["*"]\nmatch = { user = ${process.getuid!()} }\n`
    const several = await withMatch(`user = ${process.getuid!()}`, other)("--pid", pid, "sign", "--json")
    assert.strictEqual(several.code, 10)
    assert.deepStrictEqual(JSON.parse(several.stdout).nobody, { why: "several", apps: ["x", "y"] })
  })

  it("has a clear word for a process that is not there, and for arguments that do not go together", async () => {
    const ask = withMatch("user = 1")
    const gone = await ask("--pid", "4194999", "sign")
    assert.deepStrictEqual([gone.code, gone.stdout], [1, ""])
    assert.include(gone.stderr, "gripgate: error: there is no process 4194999")
    const cases = [["x"], [], ["x", "sign", "A", "B"], ["--pid", pid], ["--pid", pid, "x", "sign", "k"], [
      "x",
      "sign",
      "--socket",
      "/s"
    ]]
    for (const args of cases) {
      const { code, stderr } = await ask(...args)
      assert.strictEqual(code, 64, args.join(" "))
      assert.match(stderr, /^gripgate: error: .+\n/)
    }
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
