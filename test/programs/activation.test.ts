// A gate that the first connection starts: systemd-socket-activate holds the sockets, as systemd does for a socket unit.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { existsSync } from "node:fs"
import { mkdir, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { activate, type Activated } from "../support/activated.ts"
import { commandLine, PROGRAM } from "../support/command-line.ts"

const policy = `default = "allow"
[apps.git]
socket = "git"
keys = ["*"]
export = "forbid"
[apps.mail]
socket = "mail"
keys = ["${fixtureKeys.plain.fingerprint}"]
[anyone]
keys = ["*"]
decrypt = "forbid"
`

describe("a gate behind sockets of systemd", () => {
  const stack = new AsyncDisposableStack()
  let owner: Homedir
  let count = 0
  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent", "systemd-socket-activate"] as const) needs(program)
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(owner, "plain")
    await writeFile(join(owner.path, "policy.toml"), policy, { mode: 0o600 })
  })
  afterAll(() => stack.disposeAsync())

  /** Starts it in a runtime directory of its own; `names` are the sockets', in order. */
  const start = async (more: AsyncDisposableStack, names: ReadonlyArray<string | undefined>, args: string[] = []) => {
    const run = join(owner.path, `r${count++}`)
    await mkdir(run, { mode: 0o700 })
    more.defer(() => rm(run, { recursive: true, force: true }))
    const sockets = names.map((name, index) => ({ path: join(run, `s${index}`), ...name !== undefined && { name } }))
    const flags = ["--policy", join(owner.path, "policy.toml"), "--state", join(run, "state"), ...args]
    const gate: Activated = more.use(
      await activate({
        sockets,
        command: [process.execPath, PROGRAM, "serve", "--homedir", owner.path, ...flags],
        env: { ...owner.env, XDG_RUNTIME_DIR: run }
      })
    )
    return { gate, run: join(run, "gripgate"), paths: sockets.map(({ path }) => path) }
  }

  const client = async (more: AsyncDisposableStack, socket: string) => more.use(await makeClientHome({ owner, socket }))

  const sign = (home: Homedir) => home.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n" })

  it("is started by the first gpg, which signs, and has no socket of its own at the standard place", async () => {
    await using more = new AsyncDisposableStack()
    const { gate, paths, run } = await start(more, [undefined])
    const home = await client(more, paths[0]!)
    assert.notInclude(gate.stderr(), "gripgate:", "nobody has connected yet")
    const signed = await sign(home)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.isAbove(signed.stdout.length, 50)
    await gate.says(`listening at ${paths[0]!}, a socket that was handed over`)
    assert.isFalse(existsSync(join(run, "S.gpg-agent")))
    assert.isTrue(existsSync(join(run, "control")))
  })

  it("knows three apps and others by the names of their sockets, and each has what the policy gives it", async () => {
    await using more = new AsyncDisposableStack()
    const { gate, paths, run } = await start(more, ["git", "mail", "gripgate-open.socket"])
    const [git, mail, open] = await Promise.all(paths.map((path) => client(more, path)))
    for (const home of [git!, mail!, open!]) {
      const signed = await sign(home)
      assert.strictEqual(signed.code, 0, signed.stderr)
    }
    const exported = await git!.run(["gpg", "--batch", "--export-secret-keys"])
    assert.include(exported.stderr, "Forbidden")
    const encrypt = ["-r", fixtureKeys.plain.fingerprint, "--trust-model", "always", "--encrypt"]
    const { stdout: encrypted } = await owner.gpg(encrypt, { input: "a text\n" })
    const decrypt = (home: Homedir) => home.run(["gpg", "--batch", "--decrypt"], { input: encrypted })
    assert.strictEqual((await decrypt(mail!)).code, 0)
    assert.strictEqual((await decrypt(open!)).code, 2)

    const { stdout } = await commandLine(owner, run).gripgate("status", "--json")
    const { listen } = JSON.parse(stdout.toString()) as { listen: ReadonlyArray<{ path: string; app: string | null }> }
    assert.deepStrictEqual(listen.map(({ app, path }) => [path, app]), [
      [paths[0], "git"],
      [paths[1], "mail"],
      [paths[2], null]
    ])
    assert.isFalse(existsSync(join(run, "apps")), "the app mail has its socket already")
    assert.include(gate.stderr(), `listening at ${paths[1]!} for the app mail`)
  })

  it("restricts who comes through a socket for other machines or browsers, and nobody else", async () => {
    await using more = new AsyncDisposableStack()
    const { paths } = await start(more, ["origin.remote", "origin.browser", "anyone"])
    const restricted: Array<boolean> = []
    for (const path of paths) {
      const raw = await connectRaw(path)
      more.defer(() => raw.close())
      assert.match((await raw.readReply()).last, /^OK/)
      restricted.push((await raw.command("GETINFO restricted")).last.startsWith("OK"))
      const { last } = await raw.command("OPTION pinentry-mode=loopback")
      assert.match(last, restricted.at(-1) === true ? /^ERR \d+ Forbidden/ : /^OK/)
    }
    assert.deepStrictEqual(restricted, [true, true, false])
  })

  it("leaves the sockets as they are, when it starts and when it ends", async () => {
    await using more = new AsyncDisposableStack()
    const { gate, paths } = await start(more, ["mail", "anyone"])
    const before = await Promise.all(paths.map((path) => stat(path)))
    const home = await client(more, paths[0]!)
    assert.strictEqual((await sign(home)).code, 0)
    await gate.stop()
    const after = await Promise.all(paths.map((path) => stat(path)))
    assert.deepStrictEqual(after.map(({ ino, mode }) => [ino, mode]), before.map(({ ino, mode }) => [ino, mode]))
    assert.isFalse(existsSync(`${paths[0]!}.lock`))
  })

  it("gives neither descriptors nor variables to the agent that it starts", async () => {
    await using more = new AsyncDisposableStack()
    await owner.killAgent()
    const { gate, paths } = await start(more, ["mail"])
    const home = await client(more, paths[0]!)
    assert.strictEqual((await sign(home)).code, 0)
    const agent = await connectRaw(await owner.agentSocket())
    more.defer(() => agent.close())
    assert.match((await agent.readReply()).last, /^OK/)
    for (const name of ["LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"]) {
      assert.match((await agent.command(`GETINFO getenv ${name}`)).last, /^ERR 67108891 Not found/)
    }
    assert.include(
      (await agent.command("GETINFO getenv GNUPGHOME")).data.toString(),
      owner.path,
      "it tells the variables that it has"
    )
    // a socket that anybody still had would take the connection
    await gate.stop("SIGKILL")
    const knock = await connectRaw(paths[0]!).catch((error: NodeJS.ErrnoException) => error.code)
    assert.strictEqual(knock, "ECONNREFUSED")
    assert.match((await agent.command("NOP")).last, /^OK/)
  })

  it("does not start with a name that is no app, and says which", async () => {
    await using more = new AsyncDisposableStack()
    const { gate, paths } = await start(more, ["mial"])
    const raw = await connectRaw(paths[0]!)
    assert.strictEqual(await gate.exited, 64)
    raw.destroy()
    assert.include(gate.stderr(), "handed over as \"mial\", which is no app of the policy")
    assert.include(gate.stderr(), "gripgate: hint: did you mean \"mail\"?")
  })

  it("does not start where the agent's own socket would be the one that it listens at", async () => {
    await using more = new AsyncDisposableStack()
    const { gate, paths } = await start(more, ["anyone"], ["--upstream", join(owner.path, `r${count}`, "s0")])
    const raw = await connectRaw(paths[0]!)
    assert.strictEqual(await gate.exited, 64)
    raw.destroy()
    assert.include(gate.stderr(), "leads to this gate itself")
  })
})
