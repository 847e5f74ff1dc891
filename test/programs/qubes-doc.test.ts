// The commands, units and policies of docs/qubes.md as they stand there, in shells of two qubes. Neither qrexec nor dom0 is here: a
// program in the place of qrexec-client-vm reads dom0's policy, and plays the part of the qrexec agent in the vault byte for byte, as
// qubes-os.org/doc/qrexec-socket-services has it.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { type Gate, startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { needs } from "@gripgate/testkit/needs"
import { killGroup, run, type RunResult } from "@gripgate/testkit/run"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { PROGRAM } from "../support/command-line.ts"
import { longLines } from "../support/prose.ts"

const page = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/qubes.md"), "utf8")
const blocksOf = (language: string): ReadonlyArray<string> =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)\\n\`\`\`$`, "gm"))].map(([, text = ""]) => text)

/** `qrexec-client-vm TARGET SERVICE[+ARGUMENT]`, dom0 and the agent of the target in one; QUBE is the qube that it runs in. */
const qrexec = (rpc: string, dom0: string): string =>
  `#!${process.execPath}
const { readFileSync, statSync, appendFileSync } = require("node:fs")
const { spawn } = require("node:child_process")
const [target, called] = process.argv.slice(2)
const [service, argument = ""] = called.split("+")
const fits = (word, value) => word === "*" || word === "@anyvm" || word === value
const rule = readFileSync(${JSON.stringify(dom0)}, "utf8").split("\\n").map((line) => line.trim().split(/\\s+/))
  .find(([s, a, from, to]) => s === service && fits(a, "+" + argument) && fits(from, process.env.QUBE) && fits(to, target))
if (rule?.[4] !== "allow") { console.error("Request refused"); process.exit(126) }
const file = ${JSON.stringify(rpc)} + "/" + service
if (statSync(file).isSocket()) {
  const socket = require("node:net").connect({ path: file, allowHalfOpen: true }, () => {
    socket.write(service + "+" + argument + " " + process.env.QUBE + "\\0")
    process.stdin.pipe(socket)
  })
  socket.pipe(process.stdout)
  socket.on("end", () => process.stdout.write("", () => process.exit(0))).on("error", () => process.exit(125))
} else {
  const env = { PATH: process.env.VAULT_PATH, HOME: process.env.VAULT_HOME, QREXEC_REMOTE_DOMAIN: process.env.QUBE }
  env.XDG_RUNTIME_DIR = process.env.VAULT_HOME + "/r"
  spawn(file, argument === "" ? [] : [argument], { env, stdio: "inherit" }).on("close", (code) => process.exit(code))
}
`

describe("docs/qubes.md", () => {
  const stack = new AsyncDisposableStack()
  let vault: Homedir
  let work: Homedir
  let gate: Gate
  const rpc = () => join(vault.path, "rpc")
  const env = (home: Homedir) => ({
    ...home.env,
    PATH: `${join(vault.path, "bin")}:${home.env["PATH"]}`,
    XDG_RUNTIME_DIR: join(home.path, "r")
  })
  const asCalled = (qube: string) => ({ QUBE: qube, VAULT_HOME: vault.path, VAULT_PATH: env(vault).PATH })
  const shell = (home: Homedir, text: string): Promise<RunResult> =>
    run(["bash", "-c", text.replaceAll("/usr/local/etc/qubes-rpc", rpc())], { env: env(home), cwd: home.path })
  const done = async (home: Homedir, text: string): Promise<string> => {
    const { code, stderr, stdout } = await shell(home, text)
    assert.strictEqual(code, 0, `${text}\n${stderr}`)
    return stdout.toString()
  }

  const [dom0 = ""] = blocksOf("text")
  const [policy = ""] = blocksOf("toml")
  const [socketUnit = "", serviceUnit = ""] = blocksOf("ini")
  const [link = "", program = "", enable = "", homedir = "", sign = ""] = blocksOf("sh")
  const setting = (unit: string, name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(unit)![1]!

  beforeAll(async () => {
    for (const each of ["gpg", "gpg-agent", "systemd-socket-activate"] as const) needs(each)
    vault = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
    work = stack.use(await makeHomedir())
    await vault.gpg(["--passphrase", "", "--quick-gen-key", "work@example.org", "ed25519", "sign", "never"])
    for (const home of [vault, work]) await mkdir(join(home.path, "r"), { mode: 0o700 })
    const bin = join(vault.path, "bin")
    await mkdir(bin)
    await symlink(process.execPath, join(bin, "node"))
    await symlink(PROGRAM, join(bin, "gripgate"))
    const dom0File = join(vault.path, "30-gripgate.policy")
    await writeFile(dom0File, `${dom0.replace(/^(gripgate\.Connect +\*)/m, "gripgate.Work * work vault allow\n$1")}\n`)
    for (
      const [name, text] of [
        ["sudo", "#!/bin/sh\nexec \"$@\"\n"],
        ["systemctl", "#!/bin/sh\necho \"$@\"\n"],
        ["qrexec-client-vm", qrexec(rpc(), dom0File)]
      ] as const
    ) {
      await writeFile(join(bin, name), text)
      await chmod(join(bin, name), 0o755)
    }
    // nobody answers here, and an approver of the desktop is none: what is asked is allowed instead
    const allowing = policy.replace("{ verdict = \"ask\", remember = \"15m\" }", "\"allow\"")
    gate = stack.use(
      await startGate({ home: vault, policy: `${allowing}\n`, env: { XDG_RUNTIME_DIR: env(vault).XDG_RUNTIME_DIR } })
    )
  }, 60_000)
  afterAll(() => stack.disposeAsync())

  const call = (qube: string, args: ReadonlyArray<string>, input: string): Promise<RunResult> =>
    run([join(vault.path, "bin/qrexec-client-vm"), ...args], { env: { ...env(work), ...asCalled(qube) }, input })

  const probe = "HAVEKEY --list=9\nGETINFO version\nBYE\n"

  it("has what it needs, and is laid out for reading", () => {
    assert.isTrue(Result.isSuccess(parsePolicy(policy, "policy.toml")))
    assert.lengthOf(blocksOf("sh"), 5)
    assert.lengthOf(blocksOf("ini"), 2)
    assert.strictEqual(setting(socketUnit, "Accept"), "yes")
    assert.strictEqual(setting(serviceUnit, "StandardInput"), "socket")
    assert.deepStrictEqual(longLines(page), [])
  })

  it("signs in a qube with the key of another", async () => {
    await done(vault, link)
    await copyFile(join(vault.path, "public.asc"), join(work.path, "public.asc"))
    assert.strictEqual((await done(work, enable)).trimEnd(), "--user enable --now gripgate-vault.socket")
    const path = setting(socketUnit, "ListenStream").replace("%t", env(work).XDG_RUNTIME_DIR)
    const variables = Object.entries({ ...env(work), ...asCalled("work") }).flatMap((
      [name, value]
    ) => ["-E", `${name}=${value}`])
    const [name = "", ...args] = setting(serviceUnit, "ExecStart").split(" ")
    const child = spawn(
      needs("systemd-socket-activate"),
      ["--accept", "--inetd", "-l", path, ...variables, join(vault.path, "bin", name), ...args],
      { env: env(work), detached: true, stdio: "ignore" }
    )
    const exited = once(child, "close")
    stack.defer(async () => {
      killGroup(child.pid)
      await exited
    })
    for (const end = performance.now() + 10_000; !existsSync(path) && performance.now() < end;) await sleep(10)
    await done(work, homedir)
    const text = await done(work, sign)
    const verified = await run(["gpg", "--batch", "--verify"], { env: vault.env, input: text })
    assert.strictEqual(verified.code, 0, verified.stderr)
    await gate.waitForLog(/allowed sign .* to app work \(session \d+, qube work by qrexec\)/)
  })

  it("lets dom0 and then the gate decide who calls", async () => {
    const refused = await call("other", ["vault", "gripgate.Connect+work"], probe)
    assert.strictEqual(refused.code, 126, "dom0 does")
    const wrong = await call("work", ["vault", "gripgate.Connect+mail"], probe)
    assert.strictEqual(wrong.code, 126)
    const right = await call("work", ["vault", "gripgate.Connect+work"], probe)
    assert.match(right.stdout.toString(), /^OK /)
  })

  it("brings a qube by a program in place of the socket, as the app that stands there", async () => {
    await done(vault, program)
    const { code, stderr, stdout } = await call("work", ["vault", "gripgate.Work+release"], "GETEVENTCOUNTER\nBYE\n")
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.match(stdout.toString(), /^OK .*\nERR 67109115 .*\nOK/)
    await gate.waitForLog(/refused admin to app work \(session \d+, qube work by qrexec\) by GETEVENTCOUNTER/)
  })
})
