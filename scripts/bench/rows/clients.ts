// Many clients that sign at once: signatures in a second, and whose processor time they cost.
import { type ChildProcess, fork } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import type { Driven, DriveOrder } from "../drive.ts"
import { processorMs } from "../proc.ts"
import { type Effort, interleave, type Measured, roundsOf, type Row } from "../row.ts"
import type { Contender, Stage } from "../stage.ts"
import type { WorkerAnswer } from "../worker.ts"
import { timeIn } from "./gpg.ts"

const goals = [{ to: "direct", text: ">= 0.95, limit 0.90" }] as const

const ask = (worker: ChildProcess, order: DriveOrder): Promise<Driven> =>
  new Promise((resolve, reject) => {
    worker.once("message", (answer: WorkerAnswer) =>
      "driven" in answer ? resolve(answer.driven) : reject(new Error(answer.error)))
    worker.send(order)
  })

/** Processor time of each party, in milliseconds, and the wall time that it took. */
interface Load {
  wall: number
  agent: number
  between: number
  clients: number
  failed: number
  reason: string | undefined
}

const loadNote = ({ name, pid }: Contender, load: Load): string => {
  const cores = (ms: number) => (ms / load.wall).toFixed(2)
  const between = pid === undefined ? "" : `, in between ${cores(load.between)}`
  const failed = load.failed === 0 ? "" : `; ${load.failed} failed: ${load.reason}`
  return `${name}: busy processors: agent ${cores(load.agent)}${between}, clients ${cores(load.clients)}${failed}`
}

/** In each round, by all clients together: a third of a second or so. */
const TOGETHER = 640

const measure = (clients: number) => async (stage: Stage, effort: Effort): Promise<Measured> => {
  const { agentPid, contenders, keygrip } = stage
  const each = Math.max(1, Math.round(TOGETHER * Math.min(1, 4 * effort.scale) / clients))
  const loads = new Map<string, Load>()
  const workers = Array.from(
    { length: Math.min(clients, availableParallelism()) },
    () => fork(join(import.meta.dirname, "../worker.ts"), { stdio: ["ignore", "ignore", "inherit", "ipc"] })
  )
  try {
    const samples = await interleave(contenders, roundsOf(effort, 10), async ({ name, pid, socket }) => {
      const used = () => ({ agent: processorMs(agentPid), between: pid === undefined ? 0 : processorMs(pid) })
      const before = used()
      const driven = await Promise.all(
        workers.map((worker, index) =>
          ask(worker, { socket, keygrip, each, clients: Math.floor((clients + index) / workers.length) })
        )
      )
      const after = used()
      const load: Load = loads.get(name)
        ?? { wall: 0, agent: 0, between: 0, clients: 0, failed: 0, reason: undefined }
      loads.set(name, load)
      const wall = Math.max(...driven.map(({ wallMs }) => wallMs))
      load.wall += wall
      load.agent += after.agent - before.agent
      load.between += after.between - before.between
      for (const one of driven) {
        load.clients += one.processorMs
        load.failed += one.failed
        load.reason ??= one.reason
      }
      return clients * each / wall * 1000
    })
    return { samples, notes: contenders.map((contender) => loadNote(contender, loads.get(contender.name)!)) }
  } finally {
    await Promise.all(workers.map((worker) =>
      new Promise((resolve) => {
        worker.once("exit", resolve)
        worker.disconnect()
      })
    ))
  }
}

const SIGNATURES = 48
const AT_ONCE = 8

/** Real gpg processes; xargs starts them, and takes no time of its own worth naming. */
const gpgRow: Row = {
  id: `clients-gpg-${AT_ONCE}`,
  title: `gpg --detach-sign with ed25519, ${AT_ONCE} processes at a time, ${SIGNATURES} in each round`,
  unit: "/s",
  goals,
  measure: async (stage, effort) => {
    const list = join(stage.owner.path, "list")
    await writeFile(list, Array.from({ length: SIGNATURES }, (_, index) => `${index}\n`).join(""))
    const samples = await interleave(stage.contenders, roundsOf(effort, 15), async (contender) => {
      const output = join(contender.home.path, "signed.{}")
      const gpg = ["gpg", "--batch", "--yes", "-u", stage.keys.ed25519, "-o", output, "--detach-sign", stage.message]
      const time = await timeIn(contender, ["xargs", "-a", list, "-P", String(AT_ONCE), "-I{}", ...gpg])
      return SIGNATURES / time * 1000
    })
    return { samples }
  }
}

export const clientRows: ReadonlyArray<Row> = [
  ...[1, 4, 16, 64].map((clients): Row => ({
    id: `clients-${clients}`,
    title: `${clients} raw ${clients === 1 ? "client that signs" : "clients that sign at once"}, ed25519`,
    unit: "/s",
    goals,
    measure: measure(clients)
  })),
  gpgRow
]
