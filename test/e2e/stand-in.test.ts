// A gate in the place of gpg-agent: programs that were told nothing go through it, and whatever agents do about their socket, or
// the gate by dying, ends well.
import { assert, describe, it } from "@effect/vitest"
import type { Gate } from "@gripgate/testkit/gate-process"
import { fixtureKeys } from "@gripgate/testkit/keys"
import { isAlive, processesOf, waitGone } from "@gripgate/testkit/processes"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { PROGRAM } from "../support/command-line.ts"
import { assertSigns, sign, text } from "./set-up.ts"
import { makeStage, pidAt, told } from "./stand-in-stage.ts"

const { fingerprint: bob, passphrase } = fixtureKeys.protected

/** The gate is at the path, not an agent. */
const assertGated = async (socket: string): Promise<void> => {
  const client = await connectRaw(socket)
  assert.include((await client.readReply()).last, "gripgate")
  client.destroy()
}

const kill = async (gate: Gate): Promise<void> => void await gate.stop("SIGKILL")

const standing = ["S.gpg-agent", "S.gpg-agent.browser", "S.gpg-agent.extra", "S.gpg-agent.ssh"]

describe("a gate that stands in", () => {
  it("has every program, none of which was told, and the policy holds for them", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, start } = await makeStage(stack)
    const gate = await start({ policy: "[operations]\nexport = \"forbid\"\n" })
    await assertSigns(home)
    await gate.waitForLog(/^gripgate: allowed sign with key .* by PKSIGN/)
    const exported = await home.run(["gpg", "--batch", "--export-secret-keys"])
    assert.include(exported.stderr, "Forbidden")
    assert.strictEqual(exported.stdout.length, 0)
  })

  it("moves the agent that runs aside: the same process, and what it has unlocked stays unlocked", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    const unlock = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase-fd", "0", "-u", bob, "--sign"]
    const unlocked = await home.run([...unlock, join(home.path, "gpg.conf")], {
      input: `${passphrase}\n`
    })
    assert.strictEqual(unlocked.code, 0, unlocked.stderr)
    const gate = await start()
    assert.isDefined(await gate.waitForLog(new RegExp(`gpg-agent .* \\(pid ${pid}\\) is moved aside, to ${aside}$`)))
    await assertGated(standard)
    assert.strictEqual(await pidAt(aside), pid)
    // its pinentry cancels
    await assertSigns(home, bob)
  })

  it("starts an agent beside when it is needed, where none runs", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, start } = await makeStage(stack)
    await home.killAgent()
    await start()
    assert.deepStrictEqual(processesOf(home.path).filter(isAlive), [])
    await assertSigns(home)
    assert.strictEqual(await told(aside, "socket_name"), aside)
  })

  it("has started one that lives, whatever clients do before they are greeted", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, start } = await makeStage(stack)
    await home.killAgent()
    await start()
    await assertSigns(home)
    const pid = await pidAt(aside)
    for (let i = 0; i < 100; i++) (await connectRaw(aside)).destroy()
    assert.strictEqual(await pidAt(aside), pid)
  })

  it("gives the agent its place back when it ends, and leaves nothing of its own", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, sockets, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    const gate = await start()
    await assertSigns(home)
    assert.deepStrictEqual(await gate.stop(), { code: 0, signal: null })
    assert.strictEqual(await pidAt(standard), pid)
    assert.deepStrictEqual(sockets(), standing)
    assert.deepStrictEqual(readdirSync(dirname(standard)).filter((name) => name.endsWith(".lock")), [])
    await assertSigns(home)
  })

  it("does the same with an agent that it has started, and takes it again", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, standard, start } = await makeStage(stack)
    await home.killAgent()
    const first = await start()
    await assertSigns(home)
    const pid = await pidAt(aside)
    await first.stop()
    assert.strictEqual(await pidAt(standard), pid)
    await start()
    assert.strictEqual(await pidAt(aside), pid)
    await assertGated(standard)
    await assertSigns(home)
  })

  it("is found by every client while it comes and goes", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    await home.launchAgent()
    let running = true
    let tried = 0
    const failures: Array<string> = []
    const clients = (async () => {
      for (; running; tried++) {
        await connectRaw(standard).then(async (client) => {
          const { last } = await client.readReply()
          if (!last.startsWith("OK")) failures.push(last)
          client.destroy()
        }).catch((error: unknown) => void failures.push(String(error)))
      }
    })()
    for (let i = 0; i < 3; i++) await (await start()).stop()
    running = false
    await clients
    assert.deepStrictEqual(failures, [])
    assert.isAbove(tried, 50)
  })

  it("follows a redirect to where the agent would listen", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    await home.killAgent()
    const target = join(home.path, "elsewhere")
    await rm(standard, { force: true })
    await writeFile(standard, `%Assuan%\nsocket=${target}\n`)
    const gate = await start({ listen: target })
    await assertGated(target)
    await assertSigns(home)
    await gate.stop()
    assert.match(await readFile(standard, "utf8"), /^%Assuan%/)
  })
})

describe("an agent behind it", () => {
  it("is stopped by gpgconf --kill, removes the name of its socket as it goes, and the gate has it again at once", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    const gate = await start()
    assert.strictEqual((await home.run(["gpgconf", "--kill", "gpg-agent"])).code, 0)
    assert.deepStrictEqual(await waitGone([pid], 5_000), [])
    await gate.waitForLog(/S\.gpg-agent was taken from the gate, and taken back/)
    await assertGated(standard)
    await assertSigns(home)
    await gate.waitForLog(/allowed sign/)
  })

  it("is killed: the next use has another", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    await start()
    await assertSigns(home)
    process.kill(pid, "SIGKILL")
    assert.deepStrictEqual(await waitGone([pid], 5_000), [])
    await assertSigns(home)
    assert.notStrictEqual(await pidAt(aside), pid)
  })

  it("is started over the gate by hand: it finds somebody there and ends, and gpgconf --launch is content", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    await start()
    const daemon = await home.run(["gpg-agent", "--daemon"])
    assert.strictEqual(daemon.code, 2)
    assert.include(daemon.stderr, "already running")
    assert.strictEqual((await home.run(["gpgconf", "--launch", "gpg-agent"])).code, 0)
    await assertGated(standard)
  })

  it("looks whether its socket is its own, and lives: nobody else is told by a policy that forbids", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    await home.killAgent()
    const script = join(import.meta.dirname, "../support/self-checking-agent.ts")
    const agent = spawn(process.execPath, [script, standard], { env: home.env, stdio: ["pipe", "pipe", "inherit"] })
    stack.defer(() => void agent.kill())
    const lines = agent.stdout.setEncoding("utf8")[Symbol.asyncIterator]() as AsyncIterator<string>
    const next = async () => String((await lines.next()).value).trim()
    assert.strictEqual(await next(), "ready")
    await start({ policy: "[operations]\nlist = \"forbid\"\n" })
    await assertGated(standard)
    agent.stdin.write("look\n")
    const [last, pid, itself] = (await next()).split(" ")
    assert.strictEqual(last, "OK")
    assert.strictEqual(pid, itself)
    assert.match(await told(standard, "pid"), /^ERR 67109115 /)
  })

  it("is not the only thing that can be there: a program that is no agent, and a file, stop the start", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, sockets, standard, start } = await makeStage(stack)
    await home.killAgent()
    const server = createServer((socket) => void socket.end("220 mail\n"))
    await new Promise<void>((resolve) => server.listen(standard, resolve))
    const before = sockets()
    const error = await start().then(() => "", (why: unknown) => String(why))
    assert.match(error, /exit code 69[^]*error: the gate cannot stand in at .*: there is somebody who is no gpg-agent/)
    assert.deepStrictEqual(sockets(), before)
    await new Promise((resolve) => server.close(resolve))
    await writeFile(standard, "not a socket\n")
    const second = await start().then(() => "", (why: unknown) => String(why))
    assert.match(second, /error: .*S\.gpg-agent/)
    assert.strictEqual(await readFile(standard, "utf8"), "not a socket\n")
    await rm(standard)
  })

  it("has a gate before it already: a second one says so", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, start } = await makeStage(stack)
    await start()
    const folder = await mkdtemp(join(home.path, "o"))
    const own = ["--state", join(folder, "s"), "--control", join(folder, "c")]
    const second = await home.run([process.execPath, PROGRAM, "serve", "--stand-in", ...own])
    assert.strictEqual(second.code, 69)
    assert.match(second.stderr, /error: the gate cannot stand in at .*: there is a gate\n.*hint: stop that gate first/)
    await assertSigns(home)
  })
})

describe("a gate that was killed", () => {
  it("leaves gpg with a clear error within two seconds, where no agent is to be started, and a restart heals", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    await kill(await start())
    const began = performance.now()
    const refused = await home.run(["gpg", "--no-autostart", "--clearsign"], { input: text })
    assert.isBelow(performance.now() - began, 2_000)
    assert.strictEqual(refused.code, 2)
    assert.include(refused.stderr, "no gpg-agent running in this session")
    await start()
    await assertSigns(home)
    assert.isTrue(isAlive(pid), "the agent behind it went on")
  })

  it("is started again over an agent that gpg has put in its place: that one is told to go", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, standard, start } = await makeStage(stack)
    await home.killAgent()
    const first = await start()
    await assertSigns(home)
    const pid = await pidAt(aside)
    await kill(first)
    // what this set-up cannot prevent: gpg starts an agent of its own
    await assertSigns(home)
    const second = await pidAt(standard)
    assert.notStrictEqual(second, pid)
    const gate = await start()
    assert.deepStrictEqual(await waitGone([second], 5_000), [])
    await gate.waitForLog(/had taken the place of the gate, and is told to go/)
    await gate.waitForLog(/taken back/)
    await assertGated(standard)
    assert.strictEqual(await pidAt(aside), pid)
    await assertSigns(home)
    await gate.waitForLog(/allowed sign/)
    await gate.stop()
    assert.strictEqual(await pidAt(standard), pid)
  })

  // an agent that was moved ends when the name of its socket is removed, as a new agent does that finds it stale
  it("is started again where such an agent has driven out the one that was moved", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    await kill(await start())
    // the two may take each other's sockets away, and then this gpg finds nobody
    await sign(home)
    assert.deepStrictEqual(await waitGone([pid], 5_000), [])
    const gate = await start()
    await assertGated(standard)
    await assertSigns(home)
    await gate.waitForLog(/allowed sign/)
  })

  it("is started again over such an agent where its own has died: the new one is taken", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    await kill(await start())
    process.kill(pid, "SIGKILL")
    await assertSigns(home)
    const second = await pidAt(standard)
    await start()
    assert.strictEqual(await pidAt(aside), second)
    await assertSigns(home)
  })

  it("was killed at any moment of its start or its end: the next one stands in, and stand-down sets back, all the same", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, sockets, standDown, standard, start } = await makeStage(stack)
    await home.killAgent()
    const argv = [PROGRAM, "serve", "--stand-in", "--state", join(home.path, "state")]
    for (let delay = 60; delay < 420; delay += 40) {
      const gate = spawn(process.execPath, argv, { env: home.env, stdio: "ignore" })
      const ended = once(gate, "exit")
      await sleep(delay)
      // a stop that is under way is cut off as well
      if (delay % 80 === 0) gate.kill("SIGTERM")
      await sleep(delay % 3)
      gate.kill("SIGKILL")
      await ended
      if (delay % 120 !== 60) continue
      const back = await standDown()
      assert.strictEqual(back.code, 0, back.stderr)
      assert.deepStrictEqual(sockets().filter((name) => !standing.includes(name)), [])
      await assertSigns(home)
    }
    const gate = await start()
    await assertGated(standard)
    await assertSigns(home)
    await gate.waitForLog(/allowed sign/)
    await gate.stop()
    assert.deepStrictEqual(sockets().filter((name) => !standing.includes(name)), [])
  })

  it("is set back by gripgate stand-down, once, and a gate that runs is not", async () => {
    await using stack = new AsyncDisposableStack()
    const { home, sockets, standDown, standard, start } = await makeStage(stack)
    const pid = await home.launchAgent()
    const gate = await start()
    const refused = await standDown()
    assert.strictEqual(refused.code, 1)
    assert.match(refused.stderr, /error: a gate stands in at .* and runs\n.*hint: stop it/)
    await kill(gate)
    const done = await standDown()
    assert.strictEqual(done.code, 0, done.stderr)
    assert.include(done.stdout.toString(), `the agent has its place back: ${standard}\n`)
    assert.strictEqual(await pidAt(standard), pid)
    assert.deepStrictEqual(sockets(), standing)
    assert.deepStrictEqual(readdirSync(dirname(standard)).filter((name) => name.startsWith("S.")), sockets())
    await assertSigns(home)
    assert.match((await standDown()).stdout.toString(), /^nothing to set back/)
    assert.deepStrictEqual(JSON.parse((await standDown("--json")).stdout.toString()), { v: 1, done: [] })
  })

  it("is set back where gpg has started an agent: that one stays, the other goes", async () => {
    await using stack = new AsyncDisposableStack()
    const { aside, home, standDown, start } = await makeStage(stack)
    await home.killAgent()
    const gate = await start()
    await assertSigns(home)
    const behind = await pidAt(aside)
    await kill(gate)
    await assertSigns(home)
    const done = await standDown()
    assert.strictEqual(done.code, 0, done.stderr)
    assert.deepStrictEqual(await waitGone([behind], 5_000), [])
    await assertSigns(home)
  })
})
