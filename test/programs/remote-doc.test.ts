// The commands of docs/remote.md as they stand there, in shells of two machines that have nothing but GnuPG, socat and OpenSSH: the one
// with the keys, and the other. Each is a folder with an sshd that lets the other one in.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, run, runOk } from "@gripgate/testkit/run"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { PROGRAM } from "../support/command-line.ts"
import { longLines } from "../support/prose.ts"
import { sshWith, startSshd } from "../support/sshd.ts"

const page = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/remote.md"), "utf8")
const blocksOf = (language: string): ReadonlyArray<string> =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, "gm"))].map(([, text = ""]) => text)

describe("docs/remote.md", () => {
  const stack = new AsyncDisposableStack()
  let owner: Homedir
  let far: Homedir
  let gate: Gate
  const bin = (home: Homedir) => join(home.path, "bin")
  const env = (home: Homedir) => ({
    ...home.env,
    PATH: `${bin(home)}:${home.env["PATH"]}`,
    XDG_RUNTIME_DIR: join(owner.path, "r")
  })
  const shell = (home: Homedir, text: string) =>
    run(["bash", "-c", text], { env: env(home), cwd: home.path, timeoutMs: 60_000 })
  const done = async (home: Homedir, text: string): Promise<string> => {
    const { code, stderr, stdout } = await shell(home, text)
    assert.strictEqual(code, 0, `${text}\n${stderr}`)
    return stdout.toString()
  }
  const socketOf = async (home: Homedir): Promise<string> =>
    (await done(home, "gpgconf --homedir ~/.gnupg-keys --list-dirs agent-socket")).trimEnd()

  /** Starts a command that goes on, and ends it with what it has started. */
  const going = (home: Homedir, text: string): void => {
    const child = spawn("bash", ["-c", text], { env: env(home), cwd: home.path, detached: true, stdio: "ignore" })
    const exited = once(child, "close")
    stack.defer(async () => {
      killGroup(child.pid)
      await exited
    })
  }

  const [policy = ""] = blocksOf("toml")
  const [sshKey = "", authorize = "", homedir = "", listen = "", sign = "", forward = ""] = blocksOf("sh")

  beforeAll(async () => {
    for (const program of ["gpg", "gpg-agent", "socat", "ssh", "sshd"] as const) needs(program)
    owner = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    far = stack.use(await makeHomedir({ gpgConf: ["no-autostart"] }))
    await owner.gpg(["--passphrase", "", "--quick-gen-key", "build@example.org", "ed25519", "sign", "never"])
    await mkdir(join(owner.path, "r"), { mode: 0o700 })
    const config = join(await folder(), "config")
    const hosts: Array<string> = []
    for (const [name, home] of [["keys", owner], ["build", far]] as const) {
      await mkdir(bin(home))
      await symlink(process.execPath, join(bin(home), "node"))
      await symlink(PROGRAM, join(bin(home), "gripgate"))
      await sshWith(bin(home), config)
      const sshd = stack.use(
        await startSshd({
          folder: await folder(),
          authorizedKeys: join(home.path, ".ssh/authorized_keys"),
          env: { PATH: env(home).PATH, XDG_RUNTIME_DIR: env(home).XDG_RUNTIME_DIR, GNUPGHOME: home.path }
        })
      )
      hosts.push(sshd.hostConfig(name, name === "build" ? join(owner.path, "login") : undefined))
    }
    await writeFile(config, hosts.join(""))
    gate = stack.use(
      await startGate({
        home: owner,
        policy: `${policy}\n[apps.other]\nsocket = "build"\nkeys = ["*"]\nsign = "allow"\n`,
        env: { XDG_RUNTIME_DIR: env(owner).XDG_RUNTIME_DIR }
      })
    )
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const folder = async (): Promise<string> => {
    const path = await makeFolder("gs")
    stack.defer(() => removeFolder(path))
    return path
  }

  it("has a policy, and six blocks of commands, each with the machine that it is for", () => {
    assert.isTrue(Result.isSuccess(parsePolicy(policy, "policy.toml")))
    const machines = blocksOf("sh").map((text) => /^# (on the (?:other machine|machine with the keys))/.exec(text)?.[1])
    const [other, keys] = ["on the other machine", "on the machine with the keys"]
    assert.deepStrictEqual(machines, [other, keys, other, other, other, keys])
    assert.deepStrictEqual(longLines(page), [])
  })

  it("signs on the other machine over a forced command", async () => {
    await done(far, sshKey)
    await copyFile(join(far.path, ".ssh/gripgate.pub"), join(owner.path, "gripgate.pub"))
    await done(owner, authorize)
    await copyFile(join(owner.path, "public.asc"), join(far.path, "public.asc"))
    await done(far, homedir)
    going(far, listen)
    const socket = await socketOf(far)
    await until(() => existsSync(socket))
    const text = await done(far, sign)
    const verified = await run(["gpg", "--batch", "--verify"], { env: owner.env, input: text })
    assert.strictEqual(verified.code, 0, verified.stderr)
    await gate.waitForLog(/allowed sign .* to app build \(session \d+, 127\.0\.0\.1 by ssh\)/)
    const check = /^`(gripgate check [^`]*)`/m.exec(page)![1]!
    const said = await done(owner, `${check} --policy ${gate.policyFile}`)
    assert.include(said, "recognised by what its transport says")
  })

  it("signs on the other machine over a forwarded socket", async () => {
    await runOk(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(owner.path, "login")])
    await mkdir(join(far.path, ".ssh"), { recursive: true })
    await copyFile(join(owner.path, "login.pub"), join(far.path, ".ssh/authorized_keys"))
    const socket = await far.agentSocket()
    assert.isFalse(existsSync(socket))
    going(owner, forward)
    await until(() => existsSync(socket))
    await done(far, "gpg --batch --import public.asc")
    const text = await done(far, "echo hello | gpg --batch --clearsign")
    assert.include(text, "BEGIN PGP SIGNATURE")
    await gate.waitForLog(/allowed sign .* to app other \(/)
    stack.defer(() => rm(socket, { force: true }))
  })
})

const until = async (holds: () => boolean): Promise<void> => {
  for (const end = performance.now() + 20_000; !holds();) {
    if (performance.now() > end) throw new Error("it does not come about")
    await sleep(20)
  }
}
