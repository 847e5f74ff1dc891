// The run itself: a gate, its clients, and what is measured when. Its border: whoever calls ends what is started.
import { askControl } from "@gripgate/proxy/control/client"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import * as Effect from "effect/Effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import process from "node:process"
import { setTimeout as sleep } from "node:timers/promises"
import { startDaemon } from "../bench/daemon.ts"
import { Client } from "../bench/dialogue.ts"
import { residentKib } from "../bench/proc.ts"
import { gateProgram } from "../bench/stage.ts"
import { type BusyRun, Crew, joined, processesFor, signTogether, stayIdle } from "./crew.ts"
import type { Options } from "./options.ts"
import { latencyOf, type Result } from "./report.ts"
import { hello, rightSignatures } from "./signer.ts"
import { MemoryWatch, openDescriptors } from "./watch.ts"

const root = resolve(import.meta.dirname, "../..")

/** Each crowd is an app with a socket of its own. */
const policyOf = (idle: string, busy: string, sessions: number): string =>
  `default = "allow"

[apps.idle]
socket = ${JSON.stringify(idle)}
keys = ["*"]

[apps.busy]
socket = ${JSON.stringify(busy)}
keys = ["*"]

[limits]
sessions = ${Math.max(4096, 2 * sessions)}
sessions-of-app = ${Math.max(2048, sessions)}
`

/** Sessions one after the other before the first look: code is to be compiled, and the heap to have its working size. */
const WARM_UP = 1_500

/** Milliseconds of the busy ones' warm-up, of rest before a look at the memory, and until what is kept ready is closed. */
const BUSY_WARM_UP = 2_000
const PAUSE = 1_500
const CLOSED = 4_000

/** How the time is divided; the rest is load on the gate. */
const SHARE = { single: 0.1, direct: 0.1 } as const
const ROUNDS = 5

/** A gate with the journal on, as it is deployed, before an agent with a key that has no passphrase. */
const makeStage = async (stack: AsyncDisposableStack, { busy, gate, idle }: Options) => {
  const home = stack.use(await makeHomedir({ prefix: "gs" }))
  const keygrip = (await importKey(home, "plain")).keygrips.primary
  await home.launchAgent()
  const path = (name: string) => join(home.path, name)
  const sockets = { idle: path("idle"), busy: path("busy"), control: path("control") }
  await mkdir(path("state"), { mode: 0o700 })
  await writeFile(path("policy.toml"), policyOf(sockets.idle, sockets.busy, idle + busy), { mode: 0o600 })
  const { pid, stop } = await startDaemon(
    [process.execPath, resolve(gate ?? join(root, gateProgram)), "serve", "--homedir", home.path].concat(
      ["--listen", path("open"), "--policy", path("policy.toml")],
      ["--state", path("state"), "--control", sockets.control]
    ),
    home.env,
    sockets.busy,
    path("log")
  )
  stack.defer(stop)
  return { agent: await home.agentSocket(), keygrip, pid, sockets, start: residentKib(pid) }
}

const greetMany = async (socket: string): Promise<void> => {
  for (let i = 0; i < WARM_UP; i++) {
    const client = Client.greeted(socket)
    for (const line of hello) client.command(line)
    client.close()
    // what else is to be done here has its turn
    if (i % 100 === 0) await sleep(1)
  }
}

/** Runs for so many minutes in all; `say` is told what goes on. What is started is ended with the stack. */
export const soak = async (
  options: Options,
  stack: AsyncDisposableStack,
  say: (text: string) => void
): Promise<Result> => {
  const { busy, idle, minutes } = options
  const whole = minutes * 60_000
  const begun = performance.now()
  const { agent, keygrip, pid, sockets, start } = await makeStage(stack, options)
  say(`a gate with pid ${pid}, the journal on, and an agent with an ed25519 key`)

  const crews = Array.from({ length: processesFor(busy) }, () => new Crew())
  const crowd = new Crew()
  for (const crew of [...crews, crowd]) stack.defer(() => crew.close())
  const right = rightSignatures(agent, keygrip, busy)
  const runs: Array<BusyRun> = []
  const sign = async (socket: string, clients: number, forMs: number): Promise<BusyRun> => {
    const run = await signTogether(crews, { socket, keygrip, right: right.slice(0, clients), forMs })
    runs.push(run)
    return run
  }

  await sign(sockets.busy, busy, BUSY_WARM_UP)
  await greetMany(sockets.idle)
  await sleep(CLOSED)
  const before = openDescriptors(pid)
  const warm = residentKib(pid)
  const endIdle = await stayIdle(crowd, sockets.idle, idle)
  await sleep(PAUSE)
  const withIdle = residentKib(pid)
  say(`${idle} idle sessions are open`)

  const single = { gate: [] as Array<BusyRun>, direct: [] as Array<BusyRun> }
  for (let round = 0; round < ROUNDS; round++) {
    const forMs = whole * SHARE.single / ROUNDS / 2
    single.direct.push(await sign(agent, 1, forMs))
    single.gate.push(await sign(sockets.busy, 1, forMs))
  }
  // half of it before the gate's turn and half of it after, as the machine may not stay the same
  const directMs = whole * SHARE.direct / 2
  const direct = [await sign(agent, busy, directMs)]
  const left = Math.max(5_000, whole - (performance.now() - begun) - directMs - CLOSED)
  say(`${busy} busy clients sign for ${Math.round(left / 1000)} s`)
  const watch = new MemoryWatch(pid)
  stack.defer(() => watch.stop())
  const load = await sign(sockets.busy, busy, left)
  watch.look()
  watch.stop()
  direct.push(await sign(agent, busy, directMs))

  const quiet = await endIdle()
  await sleep(CLOSED)
  const status = await Effect.runPromise(askControl(sockets.control, { verb: "status" }))
  return {
    idle,
    busy,
    seconds: load.wallMs / 1000,
    signatures: load.times.length,
    nops: quiet.answered,
    errors: runs.reduce((sum, { errors }) => sum + errors, quiet.errors),
    reasons: [...new Set([...runs, quiet].flatMap(({ reason }) => reason ?? []))],
    latency: {
      load: latencyOf(load.times),
      loadDirect: latencyOf(joined(direct)),
      single: latencyOf(joined(single.gate)),
      singleDirect: latencyOf(joined(single.direct))
    },
    memory: { start, warm, idle: withIdle, end: residentKib(pid) },
    samples: watch.samples,
    descriptors: { before, end: openDescriptors(pid) },
    sessionsLeft: status.sessions.open
  }
}
