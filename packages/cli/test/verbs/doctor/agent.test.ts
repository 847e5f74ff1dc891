// The place of the agent, in each state in which it is found: every one of them is really made.
import { assert, describe, it } from "@effect/vitest"
import { startFakeAgent } from "@gripgate/testkit/fake-agent"
import { startGate } from "@gripgate/testkit/gate-process"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { waitGone } from "@gripgate/testkit/processes"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { examine, mend } from "../../support/doctor.ts"

/** Everything in a homedir, with what a change would change. */
const filesOf = (home: Homedir): ReadonlyArray<string> =>
  readdirSync(home.path, { recursive: true }).map((name) => {
    const { ino, mode, mtimeMs, size } = statSync(join(home.path, String(name)))
    return `${String(name)} ${ino} ${mode} ${mtimeMs} ${size}`
  }).toSorted()

/** Somebody who listens there and answers in his own way, as long as the test lasts. */
const listenAt = async (path: string, greet: (socket: Socket) => void): Promise<AsyncDisposable> => {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on("error", () => {})
    greet(socket)
  })
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve))
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

const agentDies = async (home: Homedir): Promise<void> => {
  const pid = await home.launchAgent()
  process.kill(pid, "SIGKILL")
  assert.deepStrictEqual(await waitGone([pid], 5_000), [])
}

/**
 * Stops an agent as one that hangs. What started it may just be on its way out: the kernel then sends SIGCONT to the group that it
 * leaves behind, so that once is not enough.
 */
const stopAgent = async (pid: number): Promise<void> => {
  const isStopped = () => / T /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))
  for (let looks = 0, times = 0; looks < 10; times++) {
    assert.isBelow(times, 500, `the agent ${pid} does not stay stopped`)
    looks = isStopped() ? looks + 1 : 0
    if (looks === 0) process.kill(pid, "SIGSTOP")
    await sleep(20)
  }
}

describe("gripgate doctor: the agent", () => {
  it("starts none, and changes nothing", async () => {
    await using home = await makeHomedir()
    await home.gpg(["--list-keys"])
    const before = filesOf(home)
    const { ids, only } = await examine(home, ["--app", "mail"])
    assert.strictEqual(only("agent.none").where, await home.agentSocket())
    assert.deepStrictEqual(filesOf(home), before)
    assert.isUndefined(await home.agentPid())
    assert.notInclude(ids, "bypass.agent")
  })

  it("tells of one that runs, and that whoever runs this reaches it, its other sockets and the private keys", async () => {
    await using home = await makeHomedir()
    await importKey(home, "plain")
    const pid = await home.launchAgent()
    const { code, ids, only } = await examine(home)
    assert.match(only("agent.runs").message, new RegExp(`^gpg-agent \\d+\\.\\d+\\S*, pid ${pid}$`))
    assert.strictEqual(only("bypass.agent").where, await home.agentSocket())
    assert.strictEqual(only("bypass.keys").where, join(home.path, "private-keys-v1.d"))
    for (const id of ["bypass.extra", "bypass.browser", "bypass.ssh"] as const) assert.include(ids, id)
    assert.strictEqual(only("bypass.agent").level, "danger")
    // a danger is what the set-up cannot close: nothing is wrong with it
    assert.strictEqual(code, 0)
    assert.strictEqual(await home.agentPid(), pid)
  })

  it("tells a socket that was left, with the line that removes it", async () => {
    await using home = await makeHomedir()
    await agentDies(home)
    const stale = (await examine(home)).only("agent.stale")
    assert.strictEqual(stale.where, await home.agentSocket())
    await mend(home, stale.fix)
    assert.include((await examine(home)).ids, "agent.none")
  })

  it("does not hang where somebody takes connections and says nothing", async () => {
    await using home = await makeHomedir()
    await using _ = await listenAt(await home.agentSocket(), () => {})
    const { code, only } = await examine(home, ["--app", "mail"])
    assert.strictEqual(only("agent.silent").level, "wrong")
    assert.strictEqual(code, 1)
    assert.include(only("client.no-gate").message, "says nothing")
  })

  it("nor where an agent hangs, and names the process that does", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    try {
      await stopAgent(pid)
      const { ids, only } = await examine(home)
      // an agent hides what it has open from all but root
      assert.strictEqual(only("agent.silent").fix, process.getuid!() === 0 ? `kill ${pid}` : null)
      // it may go on at any time
      assert.include(ids, "bypass.agent")
    } finally {
      process.kill(pid, "SIGCONT")
    }
  })

  it("tells one that speaks something else, or never ends to", async () => {
    await using home = await makeHomedir()
    const socket = await home.agentSocket()
    {
      await using _ = await listenAt(socket, (each) => each.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.strictEqual((await examine(home)).only("agent.foreign").where, socket)
    }
    {
      await using _ = await listenAt(socket, (each) => {
        const timer = setInterval(() => each.write("x".repeat(65_536)), 1)
        each.once("close", () => clearInterval(timer))
      })
      assert.include((await examine(home)).ids, "agent.foreign")
    }
    await using _ = await listenAt(socket, (each) => each.write("OK hello\n"))
    // it greets, and answers nothing
    assert.include((await examine(home)).ids, "agent.silent")
  })

  it("tells a redirect that leads nowhere, and what is no socket", async () => {
    await using home = await makeHomedir()
    const socket = await home.agentSocket()
    await writeFile(socket, "%Assuan%\nsocket=not/absolute\n")
    const broken = (await examine(home)).only("agent.redirect")
    assert.include(broken.message, "expected an absolute path")
    await mend(home, broken.fix)
    assert.include((await examine(home)).ids, "agent.none")
    await mkdir(socket)
    assert.include((await examine(home)).only("agent.no-socket").message, "found a folder")
  })

  it("follows a redirect to the agent itself", async () => {
    await using home = await makeHomedir()
    await using other = await makeHomedir()
    await other.launchAgent()
    await writeFile(await home.agentSocket(), `%Assuan%\nsocket=${await other.agentSocket()}\n`)
    assert.strictEqual((await examine(home)).only("agent.runs").where, await other.agentSocket())
  })
})

describe("gripgate doctor: a gate at the agent's place", () => {
  it("is told, and so is an agent that has taken the place after the gate was killed", async () => {
    await using home = await makeHomedir()
    const standard = await home.agentSocket()
    const aside = join(dirname(standard), "S.gripgate")
    // a real one would leave as soon as another takes its name
    await using _ = await startFakeAgent({ socket: aside })
    await using gate = await startGate({ home, listen: standard, args: ["--upstream", aside] })
    const { code, only } = await examine(home)
    assert.strictEqual(only("agent.gate").where, standard)
    // around it, not at it
    assert.strictEqual(only("bypass.agent").where, aside)
    assert.strictEqual(code, 0)

    await gate.stop("SIGKILL")
    const left = (await examine(home)).only("agent.left")
    assert.deepStrictEqual([left.where, left.fix], [aside, "gripgate stand-down"])

    await home.launchAgent()
    const around = (await examine(home)).only("agent.around")
    assert.deepStrictEqual([around.where, around.fix, around.level], [aside, "gripgate serve --stand-in", "wrong"])
  })
})
