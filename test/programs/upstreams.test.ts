// The commands of docs/upstreams.md, with an agent behind a command; and what becomes of the command.
import { assert, describe, it } from "@effect/vitest"
import { makeClientHome } from "@gripgate/testkit/client-home"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { fixtureKeys, importKey } from "@gripgate/testkit/keys"
import { needs } from "@gripgate/testkit/needs"
import { waitGone } from "@gripgate/testkit/processes"
import { run } from "@gripgate/testkit/run"
import { readdirSync, readFileSync } from "node:fs"
import { mkdir, symlink } from "node:fs/promises"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { gateOf } from "../e2e/set-up.ts"

const root = resolve(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/upstreams.md"), "utf8")
const [commands = ""] = [...page.matchAll(/^```sh\n([^]*?)\n```$/gm)].map(([, text = ""]) => text)
const { fingerprint: alice } = fixtureKeys.plain
const { fingerprint: bob } = fixtureKeys.protected

/** The processes of a program that were started for a socket. */
const processesFor = (program: string, socket: string): ReadonlyArray<number> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0")
      return argv[0] === program && argv.some((word) => word.includes(socket))
    } catch {
      return false
    }
  })

const makeStage = async (stack: AsyncDisposableStack, command: (socket: string) => ReadonlyArray<string>) => {
  const near = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  const far = stack.use(await makeHomedir({ agentConf: ["disable-scdaemon"] }))
  await importKey(near, "plain")
  await importKey(far, "protected")
  await far.launchAgent()
  await near.gpg(["--import"], { input: (await far.gpg(["--export"])).stdout })
  const socket = await far.agentSocket()
  const policy = `[upstreams.far]\ncommand = ${JSON.stringify(command(socket))}\n`
  const gate = stack.use(await gateOf(near, { policy }))
  const client = stack.use(await makeClientHome({ owner: near, socket: gate.socket }))
  return { near, far, gate, client, socket }
}

describe("docs/upstreams.md", () => {
  it("shows the keys of an agent behind a command beside the gate's own", async () => {
    await using stack = new AsyncDisposableStack()
    const socat = needs("socat")
    const { client, gate, near } = await makeStage(stack, (socket) => [socat, "STDIO", `UNIX-CONNECT:${socket}`])
    const bin = join(near.path, "bin")
    await mkdir(bin)
    await symlink(process.execPath, join(bin, "node"))
    await symlink(join(root, "packages/cli/bin/gripgate.mjs"), join(bin, "gripgate"))
    const lines = commands
      .replace("gripgate lint", `gripgate lint ${gate.policyFile}`)
      .replace("gripgate status", `gripgate status --control ${join(near.path, "control")}`)
    const env = { ...client.env, PATH: `${bin}:${client.env["PATH"]}` }
    const result = await run(["bash", "-ec", lines], { env, cwd: client.path })
    assert.strictEqual(result.code, 0, result.stderr)
    const shown = result.stdout.toString()
    assert.match(shown, /^agent +own, .*S\.gpg-agent/m)
    assert.match(shown, /^agent +far, .*socat STDIO/m)
    for (const key of [alice, bob]) assert.include(shown, key)
  })
})

describe("an agent behind a command", () => {
  it("has its own process for each connection that is needed, which ends with it and with the gate", async () => {
    await using stack = new AsyncDisposableStack()
    const socat = needs("socat")
    const { client, gate, socket } = await makeStage(stack, (path) => [socat, "STDIO", `UNIX-CONNECT:${path}`])
    const argv = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "-u", bob, "--clearsign"]
    const signed = await client.run([...argv, "--output", "-", join(client.path, "gpg.conf")], {
      input: `${fixtureKeys.protected.passphrase}\n`
    })
    assert.strictEqual(signed.code, 0, signed.stderr)
    await sleep(3_000)
    assert.deepStrictEqual(processesFor(socat, socket), [], "nobody needs one any more")
    const again = client.run([...argv, "--output", "-", join(client.path, "gpg.conf")], {
      input: `${fixtureKeys.protected.passphrase}\n`
    })
    await again
    await gate.stop()
    assert.deepStrictEqual(await waitGone(processesFor(socat, socket), 3_000), [])
  })

  it("that cannot be run, or ends, is told in the log, and the other keys are there", async () => {
    await using stack = new AsyncDisposableStack()
    const { client, gate } = await makeStage(stack, () => ["/nowhere/ssh", "host"])
    const listed = await client.gpg(["--with-colons", "--list-secret-keys"])
    assert.include(listed.stdout.toString(), alice)
    await gate.waitForLog(/no agent at \/nowhere\/ssh host: \/nowhere\/ssh cannot be run: no such file or directory/)
    const other = await makeStage(stack, () => ["/bin/sh", "-c", "echo no route to host >&2; exit 255"])
    await other.client.gpg(["--list-secret-keys"])
    await other.gate.waitForLog(/upstream far: no route to host/)
    await other.gate.waitForLog(/no agent at .*: \/bin\/sh ended \(exit code 255\)/)
  })
})
