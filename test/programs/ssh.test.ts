// Clients that a real OpenSSH brings, both ways: over a forced command, and over a forwarded socket. And what such a client may
// try to pass for another.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type ClientHomeOptions, makeClientHome } from "@gripgate/testkit/client-home"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, run, runOk, type RunResult } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, lstatSync } from "node:fs"
import { mkdir, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { PROGRAM } from "../support/command-line.ts"
import { type Sshd, sshWith, startSshd } from "../support/sshd.ts"

describe("OpenSSH", () => {
  const stack = new AsyncDisposableStack()
  let folder: string
  let owner: Homedir
  let gate: Gate
  let ssh: string
  const at = (name: string) => join(folder, name)
  const keys = ["build", "release", "plain"] as const
  const print: Partial<Record<typeof keys[number], string>> = {}
  const env = () => ({ PATH: `${at("bin")}:${process.env["PATH"] ?? ""}`, HOME: folder })

  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent", "gpg-connect-agent", "socat", "ssh", "sshd"] as const) needs(program)
    folder = await makeFolder("gs")
    stack.defer(() => removeFolder(folder))
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    await importKey(owner, "plain")
    await mkdir(at("bin"))
    await symlink(process.execPath, at("bin/node"))
    await symlink(PROGRAM, at("bin/gripgate"))
    for (const name of keys) {
      await runOk(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", at(name)])
      print[name] = (await runOk(["ssh-keygen", "-l", "-f", at(`${name}.pub`)])).stdout.toString().split(" ")[1]!
    }
    gate = stack.use(
      await startGate({
        home: owner,
        policy: `default = "forbid"
[apps.build]
match = { via = "ssh", remote = "${print.build}@127.0.0.1" }
keys = ["*"]
sign = "allow"
[apps.release]
match = { via = "ssh", remote = "${print.release}@*" }
keys = ["*"]
sign = "allow"
decrypt = "allow"
[apps.vault]
match = { qube = "vault" }
keys = ["*"]
sign = "allow"
[apps.forwarded]
socket = "forwarded"
keys = ["*"]
sign = "allow"
`
      })
    )
    const read = async (name: string) => (await runOk(["cat", at(`${name}.pub`)])).stdout.toString()
    const forced = async (name: string, app: string) => `restrict,command="gripgate connect ${app}" ${await read(name)}`
    await writeFile(
      at("authorized_keys"),
      `${await forced("build", "build")}${await forced("release", "release")}${await read("plain")}`
    )
    const sshd: Sshd = stack.use(
      await startSshd({
        folder,
        authorizedKeys: at("authorized_keys"),
        env: { PATH: `${at("bin")}:${process.env["PATH"] ?? ""}`, XDG_STATE_HOME: join(owner.path, ".local/state") },
        config: ["AcceptEnv *", "ExposeAuthInfo yes"]
      })
    )
    const hosts = keys.map((name) => sshd.hostConfig(name, at(name)))
    await writeFile(at("ssh_config"), hosts.join(""))
    ssh = await sshWith(at("bin"), at("ssh_config"))
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  /** What a client of elsewhere hears, one line for each command, the greeting first. */
  const talk = async (args: ReadonlyArray<string>, lines: string): Promise<ReadonlyArray<string>> => {
    const { code, stderr, stdout } = await run([ssh, "-T", ...args], { env: env(), input: lines })
    assert.deepStrictEqual([code, stderr], [0, ""])
    return stdout.toString().split("\n").filter((line) => /^(?:OK|ERR) /.test(line) || line === "OK")
      .map((line) => line.split(" ").slice(0, line.startsWith("ERR") ? 2 : 1).join(" "))
  }

  /** A homedir of the other machine, and socat there that runs ssh for each connection to this host. */
  const farHome = async (more: AsyncDisposableStack, host: string, args = ""): Promise<Homedir> => {
    const socket = at(`${host}.sock`)
    const socat = spawn(
      "socat",
      [`UNIX-LISTEN:${socket},fork,mode=600,unlink-early`, `EXEC:${ssh} -T ${args} ${host}`],
      {
        env: env(),
        detached: true,
        stdio: "ignore"
      }
    )
    more.defer(async () => {
      killGroup(socat.pid)
      await once(socat, "close").catch(() => {})
      await rm(socket, { force: true })
    })
    await until(() => existsSync(socket))
    return more.use(await makeClientHome({ owner, socket } satisfies ClientHomeOptions))
  }

  const sign = (home: Homedir): Promise<RunResult> =>
    home.run(["gpg", "--batch", "--detach-sign"], { input: "a text\n", timeoutMs: 60_000 })

  const lastAllowed = async (): Promise<{ app: string; via: string; remote: string; recognised: string }> => {
    const { stdout } = await owner.run([process.execPath, PROGRAM, "log", "--verdict", "allowed", "--json"])
    const records = stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line))
    return records.findLast(({ op }) => op === "allowed")
  }

  it("brings gpg of another machine to the gate by a forced command, which signs as the app of its ssh key", async () => {
    await using more = new AsyncDisposableStack()
    const home = await farHome(more, "build")
    const signed = await sign(home)
    assert.strictEqual(signed.code, 0, signed.stderr)
    await writeFile(at("signature"), signed.stdout)
    const verified = await owner.run(["gpg", "--batch", "--verify", at("signature"), "-"], { input: "a text\n" })
    assert.strictEqual(verified.code, 0, verified.stderr)
    const { app, recognised, remote, via } = await lastAllowed()
    assert.deepStrictEqual(
      { app, recognised, remote, via },
      { app: "build", recognised: "transport", remote: `${print.build}@127.0.0.1`, via: "ssh" }
    )
    await gate.waitForLog(/allowed sign .* to app build \(session \d+, SHA256:\S+@127\.0\.0\.1 by ssh\)/)
  })

  it("does not let a client choose another app, by what it asks to run, sends along, or writes", async () => {
    const probe =
      `SIGKEY ${fixtureKeys.plain.keygrips.encryption}\nSETKEY ${fixtureKeys.plain.keygrips.encryption}\nPKDECRYPT\nBYE\n`
    const refused = ["OK", "OK", "OK", "ERR 67109115", "OK"]
    const sent = [
      "SSH_CONNECTION=192.0.2.7 1 192.0.2.1 22",
      "SSH_USER_AUTH=/dev/null",
      "QREXEC_REMOTE_DOMAIN=vault",
      "GRIPGATE_APP=release",
      "SSH_ORIGINAL_COMMAND=gripgate connect release"
    ].flatMap((variable) => ["-o", `SendEnv ${variable.split("=")[0]}`, "-o", `SetEnv "${variable}"`])
    const attempts = [
      ["build"],
      ["build", "gripgate connect release"],
      ["build", "release"],
      ["build", "gripgate connect --socket /nowhere"],
      ["build", "; gripgate connect release"],
      ["build", "$(gripgate connect release)"],
      [...sent, "build"]
    ]
    for (const args of attempts) {
      assert.deepStrictEqual(await talk(args, probe), refused, args.join(" "))
    }
    const release = await talk(["release"], probe)
    assert.strictEqual(release[0], "OK")
    assert.notStrictEqual(release[3], "ERR 67109115", "the app that may decrypt is asked for the ciphertext")
    const descriptor = JSON.stringify({ v: 1, app: "release", via: "ssh", remote: `${print.release}@127.0.0.1` })
    const again = await talk(["build"], `${descriptor}\n${probe}`)
    assert.match(again[1]!, /^ERR /)
    assert.strictEqual(again[4], "ERR 67109115")
    const connected = gate.log().filter((line) => line.includes("refused decrypt"))
    assert.lengthOf(connected, attempts.length + 1)
    for (const line of connected) assert.match(line, /app build \(session \d+, SHA256:\S+@127\.0\.0\.1 by ssh\)/)
  })

  it("has nobody log in otherwise with such a key: no shell, no forwarding, no terminal", async () => {
    const forward = await run([
      ssh,
      "-T",
      "-o",
      "ExitOnForwardFailure=yes",
      "-N",
      "-R",
      `${at("r")}:${at("x")}`,
      "build"
    ], {
      env: env()
    })
    assert.strictEqual(forward.code, 255)
    assert.isFalse(existsSync(at("r")))
  })

  it("refuses what a shell's updatestartuptty would do, and nothing else happens", async () => {
    await using more = new AsyncDisposableStack()
    const home = await farHome(more, "build")
    const told = await home.run(["gpg-connect-agent", "updatestartuptty", "/bye"])
    assert.include(told.stdout.toString(), "ERR 67109115")
    assert.strictEqual((await sign(home)).code, 0)
  })

  it("brings a gate of another machine, which has this one for its agent", async () => {
    await using more = new AsyncDisposableStack()
    const other = more.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    const { stdout } = await owner.gpg(["--export"])
    await other.gpg(["--import"], { input: stdout })
    const policy = `default = "allow"\n[upstreams.keys]\ndefault = true\ncommand = ["${ssh}", "-T", "build"]\n`
    const between = more.use(await startGate({ home: other, policy, env: env() }))
    const home = more.use(await makeClientHome({ owner, socket: between.socket }))
    const signed = await sign(home)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.strictEqual((await lastAllowed()).app, "build")
    const exported = await home.run(["gpg", "--batch", "--export-secret-keys"])
    assert.strictEqual(exported.stdout.length, 0, "what it allows itself, this one does not")
  })

  it("shows the owner where a client is while it is connected", async () => {
    const child = spawn(ssh, ["-T", "build"], { env: env(), stdio: ["pipe", "pipe", "inherit"] })
    child.stdin.write("NOP\n")
    for await (const chunk of child.stdout) if (String(chunk).includes("OK")) break
    const { stdout } = await owner.run([process.execPath, PROGRAM, "status", "--json"])
    const [session] = JSON.parse(stdout.toString()).sessions.list.filter((one: { via: string }) => one.via !== null)
    assert.deepStrictEqual([session.app, session.via, session.remote], ["build", "ssh", `${print.build}@127.0.0.1`])
    const text = (await owner.run([process.execPath, PROGRAM, "status"])).stdout.toString().replaceAll(/\n +/g, " ")
    assert.include(text, "@127.0.0.1 by ssh")
    child.stdin.end("BYE\n")
    await once(child, "close")
  })

  it("brings the socket of an app to another machine, and the last session's is in the way unless sshd removes it", async () => {
    await using more = new AsyncDisposableStack()
    const own = join(owner.path, ".local/state/gripgate/run/apps/forwarded/S.gpg-agent")
    const far = at("forwarded.sock")
    const forward = () => {
      const child = spawn(ssh, ["-N", "-o", "ExitOnForwardFailure=yes", "-R", `${far}:${own}`, "plain"], {
        env: env(),
        stdio: "ignore"
      })
      return { child, exited: once(child, "close").then(([code]) => code as number | null) }
    }
    const first = forward()
    more.defer(() => void first.child.kill("SIGKILL"))
    await until(() => existsSync(far))
    assert.strictEqual(lstatSync(far).mode & 0o777, 0o600)
    const home = more.use(await makeClientHome({ owner, socket: far }))
    const signed = await sign(home)
    assert.strictEqual(signed.code, 0, signed.stderr)
    assert.strictEqual((await lastAllowed()).app, "forwarded")
    assert.strictEqual((await lastAllowed()).recognised, "socket")
    first.child.kill("SIGKILL")
    await first.exited
    // nobody is there, and gpg starts no agent in its place
    await until(async () => (await sign(home)).code !== 0)
    assert.isUndefined(await home.agentPid())
    assert.isTrue(lstatSync(far).isSocket())
    assert.strictEqual(await forward().exited, 255, "the socket is stale, and in the way")
    await rm(far)
    const again = forward()
    more.defer(async () => {
      again.child.kill("SIGKILL")
      await again.exited
    })
    await until(() => existsSync(far))
    assert.strictEqual((await sign(home)).code, 0)
  })

  it("says on the other machine that there is no gate, and ends there when the gate does", async () => {
    const none = await run([ssh, "-T", "plain", "gripgate connect build --socket /nowhere/connect"], { env: env() })
    assert.strictEqual(none.code, 69)
    assert.match(none.stderr, /^gripgate: error: no gate takes clients at "\/nowhere\/connect" \(ENOENT\)\n/)
    const child = spawn(ssh, ["-T", "build"], { env: env(), stdio: ["pipe", "pipe", "ignore"] })
    const exited = once(child, "close")
    child.stdin.write("NOP\n")
    for await (const chunk of child.stdout) if (String(chunk).includes("OK")) break
    await gate.stop("SIGKILL")
    await exited
  })
})

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  for (const end = performance.now() + 20_000; !await holds();) {
    if (performance.now() > end) throw new Error("it does not come about")
    await sleep(20)
  }
}
