// The units that `gripgate install` writes: systemd's own programs find nothing wrong with them, and what they say, started as they say
// it, is a gate that gpg signs through. There is no running systemd here: systemd-socket-activate holds the sockets.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { run, runOk } from "@gripgate/testkit/run"
import { existsSync, readFileSync } from "node:fs"
import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { activate } from "../support/activated.ts"
import { commandLine, PROGRAM } from "../support/command-line.ts"
import { readUnit, valueOf, wordsOf } from "../support/unit-files.ts"

const page = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/systemd.md"), "utf8")

const policy = `default = "allow"
[apps.mail]
socket = "mail"
socket-mode = "0660"
keys = ["*"]
[apps.other]
socket = "other"
keys = []
`

describe("the units of gripgate install", () => {
  const stack = new AsyncDisposableStack()
  let folder: string
  let owner: Homedir
  let userUnits: string
  let image: string
  beforeAll(async () => {
    for (const program of ["bwrap", "gpg", "gpg-agent", "systemd-analyze", "systemd-socket-activate"] as const) {
      needs(program)
    }
    folder = await makeFolder("gu")
    stack.defer(() => removeFolder(folder))
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(owner, "plain")
    image = join(folder, "i")
    await mkdir(join(image, "etc/gripgate"), { recursive: true })
    await writeFile(join(image, "etc/gripgate/policy.toml"), policy)
    const install = (...args: ReadonlyArray<string>) =>
      runOk([process.execPath, PROGRAM, "install", "--yes", ...args], { env: { ...owner.env, HOME: folder } })
    await install("--system", "--root", image)
    await install("--user", "--stand-in", "--root", image)
    userUnits = join(image, "etc/systemd/user")
  })
  afterAll(() => stack.disposeAsync())

  const system = (name: string) => join(image, "etc/systemd/system", name)
  const analyze = (whose: ReadonlyArray<string>, ...args: ReadonlyArray<string>) =>
    run([needs("systemd-analyze"), ...whose, "--no-pager", ...args], {
      env: { ...owner.env, XDG_RUNTIME_DIR: folder, SYSTEMD_UNIT_PATH: `${userUnits}:` }
    })

  it("are sound to systemd-analyze verify, those of the system and of a user with the drop-ins", async () => {
    const units = (await readdir(join(image, "etc/systemd/system"))).map(system)
    assert.lengthOf(units, 3)
    const ofSystem = await run([needs("systemd-analyze"), "--no-pager", "verify", ...units])
    assert.deepStrictEqual([ofSystem.code, ofSystem.stderr], [0, ""])
    const ofUser = (await readdir(userUnits)).filter((name) => !name.endsWith(".d"))
    assert.lengthOf(ofUser, 5)
    const gnupg = ["gpg-agent.socket", "gpg-agent-extra.socket", "gpg-agent-browser.socket"]
    const verified = await analyze(["--user"], "verify", ...ofUser.map((name) => join(userUnits, name)), ...gnupg)
    assert.deepStrictEqual([verified.code, verified.stderr], [0, ""])
  })

  it("would be told from units that are wrong", async () => {
    const wrong = join(folder, "wrong.service")
    await writeFile(wrong, "[Service]\nExecStart=/nowhere/node\nNoSuchSetting=1\n")
    const { stderr } = await run([needs("systemd-analyze"), "--no-pager", "verify", wrong])
    assert.match(stderr, /NoSuchSetting/)
    assert.match(stderr, /nowhere/)
  })

  it("are as exposed as docs/systemd.md says", async () => {
    for (
      const [whose, flags, unit] of [
        ["of the system", [], system("gripgate.service")],
        ["of a user", ["--user"], join(userUnits, "gripgate.service")]
      ] as const
    ) {
      const { stdout } = await analyze(flags, "security", "--offline=true", unit)
      const found = /Overall exposure level for gripgate\.service: ([\d.]+ [A-Z]+)/.exec(stdout.toString())?.[1]
      assert.isDefined(found)
      assert.include(page, `| \`gripgate.service\` ${whose} | ${found} |`)
    }
  })

  it("name an account that systemd-sysusers makes", async () => {
    const at = join(folder, "s")
    await mkdir(join(at, "etc"), { recursive: true })
    await runOk([needs("systemd-sysusers"), `--root=${at}`, join(image, "etc/sysusers.d/gripgate.conf")])
    assert.match(
      readFileSync(join(at, "etc/passwd"), "utf8"),
      /^gripgate:x:\d+:\d+:gripgate.*:\/var\/lib\/gripgate:\/.*nologin$/m
    )
  })

  it("of the system, started as they say, are a gate that the app's gpg signs through", async () => {
    await using more = new AsyncDisposableStack()
    const service = readUnit(system("gripgate.service"))
    const [state, runtime] = [join(folder, "v"), join(folder, "r")]
    for (const path of [state, runtime]) await mkdir(path, { mode: 0o711 })
    await mkdir(join(state, "gnupg"))
    const sockets = (valueOf(service, "Wants").split(" ")).map((name) => {
      const unit = readUnit(system(name))
      const path = valueOf(unit, "ListenStream")
      assert.match(path, /^\/run\/gripgate\/apps\//)
      return {
        path,
        name: valueOf(unit, "FileDescriptorName"),
        seenAt: path.replace("/run/gripgate", runtime)
      }
    })
    assert.deepStrictEqual(sockets.map(({ name }) => name), ["mail", "other"])
    for (const { seenAt } of sockets) await mkdir(join(seenAt, ".."), { recursive: true, mode: 0o711 })
    const kept = ["passwd", "group", "nsswitch.conf", "ld.so.cache"].filter((name) => existsSync(`/etc/${name}`))
    const binds = [
      ["--ro-bind", "/", "/"],
      ["--dev", "/dev"],
      ["--proc", "/proc"],
      ["--tmpfs", "/run"],
      ["--bind", runtime, "/run/gripgate"],
      ["--tmpfs", "/var/lib"],
      ["--bind", state, "/var/lib/gripgate"],
      ["--bind", owner.path, "/var/lib/gripgate/gnupg"],
      ["--tmpfs", "/etc"],
      ...kept.map((name) => ["--ro-bind", `/etc/${name}`, `/etc/${name}`]),
      ["--ro-bind", join(image, "etc/gripgate"), "/etc/gripgate"]
    ]
    const through = [needs("bwrap"), "--die-with-parent", "--unshare-pid", ...binds.flat()]
    const environment = Object.fromEntries(
      service.get("Environment")!.map((value) => wordsOf(value, "")[0]!.split("="))
    )
    const gate = more.use(
      await activate({
        sockets,
        through,
        command: wordsOf(valueOf(service, "ExecStart"), ""),
        env: { PATH: owner.env["PATH"]!, HOME: "/var/lib/gripgate", ...environment }
      })
    )
    const [mail, other] = await Promise.all(
      sockets.map(async ({ seenAt }) => more.use(await makeClientHome({ owner, socket: seenAt })))
    )
    const signed = await mail!.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n" })
    assert.strictEqual(signed.code, 0, `${signed.stderr}\n${gate.stderr()}`)
    assert.strictEqual((await other!.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n" })).code, 2)
    assert.include(gate.stderr(), "from /etc/gripgate/policy.toml")
    const { code, stdout } = await commandLine(owner, runtime).gripgate("status")
    assert.strictEqual(code, 0)
    assert.include(stdout.toString(), "/run/gripgate/apps/mail/S.gpg-agent for the app mail")
    assert.isTrue(existsSync(join(state, "journal.jsonl")))
  })

  it("of a user stand before GnuPG's own, which the drop-ins move: gpg signs, and its socket is the gate's", async () => {
    await using more = new AsyncDisposableStack()
    await owner.killAgent()
    const t = join(folder, "t")
    for (const path of [t, join(t, "gnupg"), join(t, "gripgate")]) await mkdir(path, { mode: 0o700 })
    const gnupg = ["gpg-agent", "gpg-agent-extra", "gpg-agent-browser"].map((name) => {
      const dropIn = join(userUnits, `${name}.socket.d/gripgate.conf`)
      const unit = readUnit(`/usr/lib/systemd/user/${name}.socket`, dropIn)
      return { path: wordsOf(valueOf(unit, "ListenStream"), t)[0]!, name: valueOf(unit, "FileDescriptorName") }
    })
    const agent = readUnit("/usr/lib/systemd/user/gpg-agent.service")
    const env = { ...owner.env, XDG_RUNTIME_DIR: t }
    more.use(await activate({ sockets: gnupg, command: wordsOf(valueOf(agent, "ExecStart"), t), env }))
    const service = readUnit(join(userUnits, "gripgate.service"))
    const sockets = valueOf(service, "Requires").split(" ").map((name) => {
      const unit = readUnit(join(userUnits, name))
      return { path: wordsOf(valueOf(unit, "ListenStream"), t)[0]!, name: valueOf(unit, "FileDescriptorName") }
    })
    assert.deepStrictEqual(sockets.map(({ path }) => path.slice(t.length + 1)), [
      "gripgate/S.gpg-agent",
      "gnupg/S.gpg-agent",
      "gnupg/S.gpg-agent.extra",
      "gnupg/S.gpg-agent.browser"
    ])
    more.use(await activate({ sockets, command: wordsOf(valueOf(service, "ExecStart"), t), env }))
    for (const socket of [join(t, "gnupg/S.gpg-agent"), join(t, "gripgate/S.gpg-agent")]) {
      const client = more.use(await makeClientHome({ owner, socket }))
      const signed = await client.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n" })
      assert.strictEqual(signed.code, 0, signed.stderr)
    }
    const { stdout } = await commandLine(owner, join(t, "gripgate")).gripgate("status", "--json")
    const status = JSON.parse(stdout.toString()) as { upstream: { socket: string }; sessions: { served: number } }
    assert.strictEqual(status.upstream.socket, join(t, "gnupg/S.gripgate"))
    assert.isAbove(status.sessions.served, 1)
    assert.isUndefined(await owner.agentPid(), "no agent was started at its own place")
  })
  it("for another homedir bring an agent of their own, and gpg signs through the gate without being told", async () => {
    await using more = new AsyncDisposableStack()
    const home = more.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(home, "plain")
    await home.killAgent()
    const standard = await home.agentSocket()
    await rm(standard, { force: true })
    const config = join(folder, "c")
    const install = ["install", "--yes", "--user", "--stand-in", "--homedir", home.path]
    const env = { ...home.env, XDG_CONFIG_HOME: config, XDG_RUNTIME_DIR: join(folder, "u") }
    await mkdir(join(folder, "u"), { mode: 0o700 })
    await runOk([process.execPath, PROGRAM, ...install], { env })
    const units = join(config, "systemd/user")
    const socketsOf = async (service: string) => {
      const names = (await readdir(units)).filter((name) => name.endsWith(".socket"))
      return names.map((name) => readUnit(join(units, name))).filter((unit) => valueOf(unit, "Service") === service)
        .map(
          (unit) => ({
            path: wordsOf(valueOf(unit, "ListenStream"), env.XDG_RUNTIME_DIR)[0]!,
            name: valueOf(unit, "FileDescriptorName")
          })
        )
    }
    const start = async (service: string) => {
      const unit = readUnit(join(units, service))
      const command = wordsOf(valueOf(unit, "ExecStart"), env.XDG_RUNTIME_DIR)
      return more.use(await activate({ sockets: await socketsOf(service), command, env }))
    }
    await mkdir(join(folder, "u/gripgate"))
    await start("gripgate-agent.service")
    const gate = await start("gripgate.service")
    assert.include((await socketsOf("gripgate.service")).map(({ path }) => path), standard)
    const signed = await home.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n" })
    assert.strictEqual(signed.code, 0, `${signed.stderr}\n${gate.stderr()}`)
    await gate.says(`listening at ${standard}, a socket that was handed over`)
    await gate.says("gripgate: allowed ")
  })
})
