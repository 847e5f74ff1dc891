// The owner's own: policy, permissions, pinentry, options of the agent, environment, units. Each state is really made.
import { assert, describe, it } from "@effect/vitest"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { chmod, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { examine, examineIn, mend } from "../../support/doctor.ts"

/** Writes a file below the homedir, which is the home directory too. */
const put = async (home: Homedir, name: string, text: string): Promise<string> => {
  const path = join(home.path, name)
  await mkdir(join(path, ".."), { recursive: true, mode: 0o700 })
  await writeFile(path, text, { mode: 0o600 })
  return path
}

const POLICY = ".config/gripgate/policy.toml"

describe("gripgate doctor: the policy", () => {
  it("allows everything where there is none, and that is no mistake", async () => {
    await using home = await makeHomedir()
    const { code, only } = await examine(home)
    assert.deepStrictEqual([only("policy.none").where, code], [join(home.path, POLICY), 0])
  })

  it("is told with every problem, as the lint tells it", async () => {
    await using home = await makeHomedir()
    const file = await put(home, POLICY, "default = \"alow\"\n[apps.a]\nsing = \"ask\"\n")
    const { code, findings } = await examine(home)
    const problems = findings.filter(({ id }) => id === "policy.unusable")
    const lines = new Set(problems.map(({ where }) => where!.split(":").slice(0, 2).join(":")))
    assert.sameMembers([...lines], [`${file}:1`, `${file}:2`, `${file}:3`])
    assert.deepStrictEqual([problems[0]!.fix, code], [`gripgate lint ${file}`, 1])
  })

  it("says which rules rest on what a client can imitate", async () => {
    await using home = await makeHomedir()
    const exe = process.execPath
    await put(home, POLICY, `default = "forbid"\n[apps.git]\nmatch = { exe = ${JSON.stringify(exe)} }\nkeys = ["*"]\n`)
    const { code, only } = await examine(home)
    assert.match(only("policy.advisory").message, /^\[apps\.git\] rests on facts .*: exe /)
    assert.deepStrictEqual([only("policy.advisory").level, code], ["danger", 0])
  })

  it("is wrong where the gate would refuse somebody by it", async () => {
    await using home = await makeHomedir()
    const app = (name: string) => `[apps.${name}]\nmatch = { program = "/usr/bin/x" }\nkeys = ["*"]\n`
    await put(home, POLICY, `default = "forbid"\n${app("a")}${app("b")}`)
    assert.include((await examine(home)).only("policy.refuses").message, "a client can be both a")
  })

  it("is wrong where others may write to it, with the line that mends it", async () => {
    await using home = await makeHomedir()
    const file = await put(home, POLICY, "default = \"ask\"\n")
    await chmod(file, 0o666)
    const { code, only } = await examine(home)
    assert.deepStrictEqual([only("policy.writable").where, code], [file, 1])
    await mend(home, only("policy.writable").fix)
    assert.notInclude((await examine(home)).ids, "policy.writable")
    await chmod(join(file, ".."), 0o775)
    assert.strictEqual((await examine(home)).only("policy.writable").where, join(file, ".."))
  })
})

describe("gripgate doctor: permissions", () => {
  it("tells what others may use, and the lines that mend it", async () => {
    await using home = await makeHomedir()
    const key = await put(home, ".local/state/gripgate/chain.key", "x")
    await mkdir(join(home.path, "private-keys-v1.d"), { mode: 0o755 })
    await chmod(key, 0o640)
    await mkdir(join(home.path, ".local/state/gripgate/run"))
    await chmod(join(home.path, ".local/state/gripgate/run"), 0o777)
    const { findings } = await examine(home)
    const open = findings.filter(({ id }) => id === "permissions.open")
    assert.sameMembers(open.map(({ where }) => where), [key, join(home.path, "private-keys-v1.d")])
    const folder = findings.filter(({ id }) => id === "permissions.socket-folder")
    assert.deepStrictEqual(folder.map(({ where }) => where), [join(home.path, ".local/state/gripgate/run")])
    for (const { fix } of [...open, ...folder]) await mend(home, fix)
    assert.include((await examine(home)).ids, "permissions.fine")
  })

  it("tells a path that no socket can have, and quotes what a shell would take apart", async () => {
    await using home = await makeHomedir()
    const long = join(home.path, "x".repeat(100))
    const { only } = await examine(home, ["--control", long])
    assert.strictEqual(only("permissions.long").where, long)
    const state = join(home.path, "a b's")
    await mkdir(state, { mode: 0o755 })
    const open = (await examine(home, ["--state", state])).only("permissions.open")
    assert.strictEqual(open.fix, `chmod 0700 -- '${home.path}/a b'\\''s'`)
    await mend(home, open.fix)
    assert.include((await examine(home, ["--state", state])).ids, "permissions.fine")
  })
})

describe("gripgate doctor: who is asked, and how", () => {
  it("tells the pinentry that would be run, and one that is not there", async () => {
    await using home = await makeHomedir()
    assert.strictEqual((await examine(home)).only("pinentry.found").where, home.pinentry.program)
    await using other = await makeHomedir({ agentConf: ["pinentry-program /nonexistent/pinentry"] })
    const { code, only } = await examine(other)
    assert.deepStrictEqual([only("pinentry.missing").where, code], ["/nonexistent/pinentry", 1])
    await using relative = await makeHomedir({ agentConf: ["pinentry-program pinentry"] })
    assert.include((await examine(relative)).ids, "pinentry.unknown")
  })

  it("tells where dialogs would appear", async () => {
    await using home = await makeHomedir()
    assert.include((await examine(home)).ids, "pinentry.no-place")
    const { only } = await examineIn({ ...home.env, DISPLAY: ":7", GPG_TTY: "/dev/pts/9" })
    assert.strictEqual(only("pinentry.place").message, "dialogs appear at /dev/pts/9 and :7")
  })
})

describe("gripgate doctor: the agent's options", () => {
  it("are in the way of tokens where loopback is forbidden", async () => {
    await using home = await makeHomedir({ agentConf: ["no-allow-loopback-pinentry"] })
    const without = await examine(home)
    assert.deepStrictEqual([without.only("options.no-loopback").level, without.code], ["note", 0])
    await put(home, POLICY, "default = \"forbid\"\n[apps.mail]\nsocket = \"m\"\nkeys = [\"*\"]\nsign = \"token\"\n")
    const { code, only } = await examine(home)
    assert.deepStrictEqual([only("options.no-loopback-tokens").level, code], ["wrong", 1])
  })

  it("are noted where they open other ways, and not where they are commented out", async () => {
    await using home = await makeHomedir({ agentConf: ["allow-preset-passphrase", "  enable-ssh-support"] })
    const { ids } = await examine(home)
    assert.include(ids, "options.preset")
    assert.include(ids, "options.ssh")
    await using other = await makeHomedir({ agentConf: ["# allow-preset-passphrase", "#no-allow-loopback-pinentry"] })
    assert.include((await examine(other)).ids, "options.fine")
  })
})

describe("gripgate doctor: the environment", () => {
  it("tells variables that lead astray", async () => {
    await using home = await makeHomedir()
    const ssh = (await home.run(["gpgconf", "--list-dirs", "agent-ssh-socket"])).stdout.toString().trim()
    const { code, only } = await examineIn({ ...home.env, GPG_AGENT_INFO: "/nonexistent:1:1", SSH_AUTH_SOCK: ssh })
    assert.strictEqual(only("environment.agent-info").fix, "unset GPG_AGENT_INFO")
    assert.strictEqual(only("environment.ssh").where, ssh)
    assert.strictEqual(code, 1)
    const missing = await examineIn({ ...home.env, GNUPGHOME: join(home.path, "none") })
    assert.strictEqual(missing.only("environment.no-homedir").fix, "unset GNUPGHOME")
    assert.include((await examine(home)).ids, "environment.fine")
    const named = await examine(home, ["--homedir", join(home.path, "none")])
    assert.strictEqual(named.only("environment.no-homedir").where, join(home.path, "none"))
  })
})

describe("gripgate doctor: units", () => {
  it("tells a unit that runs what is not there", async () => {
    await using home = await makeHomedir()
    const unit = (program: string) =>
      `[Service]\nType=notify\nExecStart="${process.execPath}" "${program}" serve --listen /nowhere\n`
    const file = await put(home, ".config/systemd/user/gripgate.service", unit("/nonexistent/gripgate.mjs"))
    const { code, only } = await examine(home)
    assert.include(only("units.gone").message, "/nonexistent/gripgate.mjs")
    assert.deepStrictEqual([only("units.gone").where, only("units.gone").fix, code], [
      file,
      "gripgate install --user",
      1
    ])
    await writeFile(file, unit(file))
    assert.include((await examine(home)).ids, "units.fine")
  })
})

describe("gripgate doctor: what is missing", () => {
  it("says so where there is no GnuPG, and does not fail", async () => {
    await using home = await makeHomedir()
    const { findings, ids } = await examineIn({ ...home.env, PATH: "/nonexistent" })
    assert.lengthOf(findings.filter(({ id }) => id === "installed.gnupg-missing"), 3)
    assert.include(ids, "agent.unknown")
    assert.include(ids, "installed.bwrap-missing")
    assert.notInclude(ids, "doctor.failed")
  })

  it("says so where programs hang, and does not hang itself", async () => {
    await using home = await makeHomedir()
    const bin = join(home.path, "bin")
    await mkdir(bin)
    for (const name of ["gpgconf", "gpg", "bwrap"]) {
      await writeFile(join(bin, name), "#!/bin/sh\nexec sleep 300\n", { mode: 0o755 })
    }
    const { only } = await examineIn({ ...home.env, PATH: `${bin}:${home.env["PATH"]}` })
    assert.include(only("agent.unknown").message, "gpgconf gives no answer within 2 s")
    assert.include(only("installed.bwrap-broken").message, "it does not end")
  })
})
