// Keys and gate under one account, a client under another, an owner under a third, as docs/systemd.md has it. systemd-socket-activate holds
// the socket of the app, as root, and a loop starts the gate again, as systemd does.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeFolder } from "@gripgate/testkit/folder"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk, type RunResult } from "@gripgate/testkit/run"
import { existsSync } from "node:fs"
import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type Account, asRoot, becoming, give, type Installed, installFor, runAs } from "../support/accounts.ts"
import { activate, type Activated } from "../support/activated.ts"

const OWNER: Account = { uid: 64_003, gid: 64_003 }
const CLIENT: Account = { uid: 64_002, gid: 64_002 }
const GATE: Account = { uid: 64_001, gid: 64_001, groups: [OWNER.gid] }
/** A user whom the group of the control socket lets in, and who is no owner. */
const GUEST: Account = { uid: 64_004, gid: OWNER.gid }

const policy = `default = "forbid"
[gate]
owners = [${OWNER.uid}]
control-group = ${OWNER.gid}
[approve]
approvers = ["terminal"]
[apps.mail]
socket = "mail"
keys = ["*"]
sign = "ask"
[apps.other]
socket = "other"
socket-mode = "0600"
keys = ["*"]
sign = "allow"
`

const shellWords = (words: ReadonlyArray<string>): string => words.map((word) => `'${word}'`).join(" ")

describe("keys and gate under one account, a client and an owner under others", () => {
  const stack = new AsyncDisposableStack()
  let folder: string
  let programs: Installed
  let holder: Activated
  const at = (name: string) => join(folder, name)
  const control = () => at("run/gripgate/control")
  const socket = () => at("run/gripgate/apps/mail/S.gpg-agent")
  const path = process.env["PATH"] ?? "/usr/bin:/bin"
  const gateEnv = () => ({
    PATH: path,
    HOME: at("keys"),
    GNUPGHOME: at("keys/gnupg"),
    XDG_CONFIG_HOME: at("etc"),
    XDG_STATE_HOME: at("keys/state"),
    XDG_RUNTIME_DIR: at("run")
  })
  const clientEnv = () => ({ PATH: path, HOME: at("client"), GNUPGHOME: at("client"), LC_ALL: "C.UTF-8" })

  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent", "setpriv", "systemd-socket-activate"] as const) needs(program)
    folder = await makeFolder("gs")
    stack.defer(() => runOk(asRoot(["rm", "-rf", folder])).then(() => {}))
    await chmod(folder, 0o711)
    programs = await installFor(at("app"))
    await copyFile(resolve(import.meta.dirname, "../support/probe-program.mjs"), at("app/probe.mjs"))
    for (const name of ["keys", "keys/gnupg", "client", "etc", "etc/gripgate", "run", "run/gripgate"]) {
      await mkdir(at(name))
    }
    for (const name of ["apps", "apps/mail", "apps/other"]) await mkdir(join(at("run/gripgate"), name))
    await writeFile(at("etc/gripgate/policy.toml"), policy)
    await chmod(at("keys/gnupg"), 0o700)
    await writeFile(at("keys/gnupg/gpg-agent.conf"), "disable-scdaemon\n")
    await give(GATE, at("keys"), "0700")
    const root = { uid: 0, gid: 0 }
    await give(root, at("etc"), "0755")
    await give(GATE, at("run"), "0711")
    await runOk(asRoot(["chmod", "-R", "0711", at("run/gripgate")]))
    await give(root, at("run/gripgate/apps/mail"), "0711")

    const imported = await runAs(GATE, ["gpg", "--batch", "--import"], {
      env: gateEnv(),
      input: fixtureKeys.plain.armored
    })
    assert.strictEqual(imported.code, 0, imported.stderr)
    const endAgent = () => runAs(GATE, ["gpgconf", "--kill", "gpg-agent"], { env: gateEnv() }).then(() => {})
    stack.defer(endAgent)
    const { stdout: publicKeys } = await runAs(GATE, ["gpg", "--batch", "--export"], { env: gateEnv() })
    await writeFile(at("client/S.gpg-agent"), `%Assuan%\nsocket=${socket()}\n`)
    for (const name of ["gpg.conf", "common.conf"]) await writeFile(at(`client/${name}`), "no-autostart\n")
    await give(CLIENT, at("client"), "0700")
    const known = await runAs(CLIENT, ["gpg", "--batch", "--import"], { env: clientEnv(), input: publicKeys })
    assert.strictEqual(known.code, 0, known.stderr)

    const variables = Object.entries(gateEnv()).map(([name, value]) => `${name}=${value}`)
    const serve = [
      "env",
      ...variables,
      programs.node,
      programs.launcher,
      "serve",
      "--policy",
      at("etc/gripgate/policy.toml")
    ]
    const once = shellWords([...becoming(GATE), "sh", "-c", "LISTEN_PID=$$ exec \"$@\"", "sh", ...serve])
    holder = await activate({
      sockets: [{ path: socket(), name: "mail" }],
      through: asRoot([]),
      command: ["sh", "-c", `while :; do ${once}; sleep 0.3; done`],
      env: { PATH: path }
    })
    stack.defer(async () => {
      await run(asRoot(["kill", "--", `-${holder.pid}`]))
      await holder.exited
    })
    await runOk(asRoot(["chown", `${GATE.uid}:${CLIENT.gid}`, socket()]))
    await runOk(asRoot(["chmod", "0660", socket()]))
  })
  afterAll(() => stack.disposeAsync())

  const gripgateAs = (account: Account, ...args: ReadonlyArray<string>) =>
    runAs(account, [programs.node, programs.launcher, ...args], { env: { PATH: path, HOME: "/nonexistent" } })
  const gripgate = (account: Account, ...args: ReadonlyArray<string>) =>
    gripgateAs(account, ...args, "--control", control())

  const sign = (account: Account = CLIENT): Promise<RunResult> =>
    runAs(account, ["gpg", "--batch", "--detach-sign", "-u", fixtureKeys.plain.fingerprint], {
      env: clientEnv(),
      input: "a text\n"
    })

  /** What the owner sees of the gate, as soon as it answers. */
  const ask = async <A>(verb: "asks" | "status", holds: (seen: A) => boolean): Promise<A> => {
    let last: RunResult | undefined
    for (const end = performance.now() + 20_000; performance.now() < end; await sleep(50)) {
      last = await gripgate(OWNER, verb, "--json")
      if (last.code !== 0) continue
      const seen = JSON.parse(last.stdout.toString()) as A
      if (holds(seen)) return seen
    }
    throw new Error(`${verb} is not as expected: ${last?.stdout.toString()} ${last?.stderr}\n${holder.stderr()}`)
  }
  const gatePid = () => ask<{ pid: number }>("status", () => true).then(({ pid }) => pid)
  const question = () =>
    ask<ReadonlyArray<{ id: string; app: string }>>("asks", ({ length }) => length === 1).then(([one]) => one!)

  const signWithYes = async (): Promise<RunResult> => {
    const signed = sign()
    const { app, id } = await question()
    assert.strictEqual(app, "mail")
    const { code, stderr } = await gripgate(OWNER, "approve", id)
    assert.strictEqual(code, 0, stderr)
    return signed
  }

  it("the client signs through its socket, with the yes of an owner who is neither", async () => {
    const { code, stderr, stdout } = await signWithYes()
    assert.strictEqual(code, 0, `${stderr}\n${holder.stderr()}`)
    await writeFile(at("app/sig"), stdout)
    const verified = await runAs(CLIENT, ["gpg", "--batch", "--status-fd", "1", "--verify", at("app/sig"), "-"], {
      env: clientEnv(),
      input: "a text\n"
    })
    assert.include(verified.stdout.toString(), `VALIDSIG ${fixtureKeys.plain.fingerprint}`)
  })

  it("the client reaches nothing around the gate: no agent, key, policy, state, memory or control", async () => {
    const pid = await gatePid()
    for (
      const path of ["keys/gnupg/S.gpg-agent", "keys/gnupg/private-keys-v1.d", "keys/state/gripgate/journal.jsonl"]
    ) {
      await runOk(asRoot(["test", "-e", at(path)]))
    }
    const forbidden = [
      ["the agent", "connect", at("keys/gnupg/S.gpg-agent")],
      ["its extra socket", "connect", at("keys/gnupg/S.gpg-agent.extra")],
      ["its browser socket", "connect", at("keys/gnupg/S.gpg-agent.browser")],
      ["its ssh socket", "connect", at("keys/gnupg/S.gpg-agent.ssh")],
      ["the socket of another app", "connect", at("run/gripgate/apps/other/S.gpg-agent")],
      ["the gate's own socket", "connect", at("run/gripgate/S.gpg-agent")],
      ["the control socket", "connect", control()],
      ["private keys", "list", at("keys/gnupg/private-keys-v1.d")],
      ["the policy", "write", at("etc/gripgate/policy.toml")],
      ["another policy in its place", "replace", at("etc/gripgate/policy.toml")],
      ["the journal", "read", at("keys/state/gripgate/journal.jsonl")],
      ["the key of the chains", "read", at("keys/state/gripgate/chain.key")],
      ["names of sockets", "list", at("run/gripgate")],
      ["a socket in the place of its own", "remove", socket()],
      ["a socket beside its own", "listen", at("run/gripgate/apps/mail/S.x")],
      ["the gate's memory", "memory", `/proc/${pid}/mem`],
      ["the gate's environment", "read", `/proc/${pid}/environ`],
      ["the gate's life", "signal", pid],
      ["ptrace", "ptrace", pid]
    ] as const
    const probe = (account: Account, attempts: ReadonlyArray<unknown>) =>
      runAs(account, [programs.node, at("app/probe.mjs"), JSON.stringify(attempts)], { env: clientEnv() }).then(
        ({ stderr, stdout }) => {
          assert.strictEqual(stderr, "")
          return JSON.parse(stdout.toString()) as Record<string, string>
        }
      )
    const found = await probe(CLIENT, forbidden)
    for (const [name] of forbidden) assert.include(["EACCES", "EPERM"], found[name], name)
    // the same attempts succeed where nothing forbids them, so that they are attempts
    const own = await probe(CLIENT, [
      ["its own socket", "connect", socket()],
      ["a file", "write", at("client/gpg.conf")],
      ["a folder", "list", at("client")]
    ])
    assert.deepStrictEqual(own, { "its own socket": "ok", "a file": "ok", "a folder": "ok" })
  })

  it("whoever the control socket lets in and who is no owner is refused, and the client is not even let in", async () => {
    const guest = await gripgate(GUEST, "status")
    assert.strictEqual(guest.code, 77)
    assert.include(guest.stderr, `only an owner may, and you are the user ${GUEST.uid}`)
    const client = await gripgate(CLIENT, "approve", "AAAA")
    assert.strictEqual(client.code, 77, client.stderr)
  })

  it("another user does not get to the client's socket", async () => {
    const other: Account = { uid: 64_005, gid: 64_005 }
    const { stdout } = await runAs(other, [
      programs.node,
      at("app/probe.mjs"),
      JSON.stringify([["it", "connect", socket()]])
    ], { env: clientEnv() })
    assert.deepStrictEqual(JSON.parse(stdout.toString()), { it: "EACCES" })
  })

  it("whoever may not write units is told so, and nothing is written", async () => {
    const { code, stderr } = await gripgateAs(CLIENT, "install", "--system", "--yes", "--root", at("image"))
    assert.strictEqual(code, 77)
    assert.match(stderr, /cannot write .*: permission denied\n.*hint: run it as root/)
  })

  it("kill -9 of the gate: who waits hears of it in two seconds, and the next one is served by a new gate", async () => {
    const before = await gatePid()
    const waiting = sign()
    await question()
    const killed = performance.now()
    await runOk(asRoot(["kill", "-9", String(before)]))
    const { code, stderr, stdout } = await waiting
    assert.isBelow(performance.now() - killed, 2_000)
    assert.strictEqual(code, 2)
    assert.strictEqual(stdout.length, 0)
    assert.match(stderr, /signing failed/)
    const { code: again, stderr: said } = await signWithYes()
    assert.strictEqual(again, 0, said)
    assert.notStrictEqual(await gatePid(), before)
  })

  it("who connects while there is no gate waits at the socket, and is served by the next one", async () => {
    const before = await gatePid()
    await runOk(asRoot(["kill", "-9", String(before)]))
    const signed = await signWithYes()
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.isFalse(existsSync(at("client/private-keys-v1.d/x")))
  })

  it("kill -9 of the agent: the next use starts another one, as the account of the keys", async () => {
    const { stdout } = await runAs(GATE, ["gpg-connect-agent", "GETINFO pid", "/bye"], { env: gateEnv() })
    const agent = /^D (\d+)$/m.exec(stdout.toString())?.[1]
    assert.isDefined(agent)
    await runOk(asRoot(["kill", "-9", agent!]))
    const signed = await signWithYes()
    assert.strictEqual(signed.code, 0, signed.stderr)
  })

  it("without gate and socket the client hears so in two seconds, and no agent of its own is started", async () => {
    await run(asRoot(["kill", "--", `-${holder.pid}`]))
    await holder.exited
    const began = performance.now()
    const { code, stderr } = await sign()
    assert.isBelow(performance.now() - began, 2_000)
    assert.strictEqual(code, 2)
    assert.include(stderr, "No agent running")
    const agents = await runAs(CLIENT, ["gpg-connect-agent", "--no-autostart", "GETINFO pid", "/bye"], {
      env: clientEnv()
    })
    assert.notMatch(agents.stdout.toString(), /^D /m)
  })
})
