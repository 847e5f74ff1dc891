// The process in between: how soon it serves, what memory it takes, and what a session costs that does nothing. Each number
// comes from a process of its own.
import { setTimeout as sleep } from "node:timers/promises"
import { Client, handshake, keyInfo } from "../dialogue.ts"
import { residentKib } from "../proc.ts"
import { type Effort, type Measured, roundsOf, type Row } from "../row.ts"
import type { Stage } from "../stage.ts"
import { summary } from "../statistics.ts"

/** The contenders that are one process, whose memory can be told. */
const kinds = ["gate", "relay"] as const

/** Milliseconds between the end of one process and the start of the next. */
const REST = 20

type Fresh = Awaited<ReturnType<Stage["start"]>>

/** One number of a fresh process for each round, in turns. */
const ofFresh = async (
  stage: Stage,
  rounds: number,
  measure: (fresh: Fresh, kind: typeof kinds[number]) => Promise<number>
): Promise<Map<string, Array<number>>> => {
  const here = kinds.filter((kind) => stage.contenders.some(({ name }) => name === kind))
  const samples = new Map(here.map((kind) => [kind as string, [] as Array<number>]))
  for (let round = 0; round < rounds; round++) {
    for (const kind of here) {
      await sleep(REST)
      const fresh = await stage.start(kind)
      try {
        samples.get(kind)!.push(await measure(fresh, kind))
      } finally {
        await fresh.stop()
      }
    }
  }
  return samples
}

const SESSIONS = 500

/**
 * Sessions one after the other before the first look, times the number of the process: code is to be compiled and the heap to
 * have its working size. Always the same number would catch all processes in the same phase of their garbage collection.
 */
const WARM_UP = 250

/** Milliseconds before each look. */
const PAUSE = 1_000

const idle =
  (lines: (keygrip: string) => ReadonlyArray<Buffer>) => async (stage: Stage, effort: Effort): Promise<Measured> => {
    const script = lines(stage.keygrip)
    const open = (socket: string): Client => {
      const client = Client.greeted(socket)
      for (const line of script) client.command(line)
      return client
    }
    const sizes = new Map(
      kinds.map((kind) => [kind as string, { before: [] as Array<number>, after: [] as Array<number> }])
    )
    const rounds = Math.max(1, Math.round(5 * effort.scale))
    const samples = await ofFresh(stage, rounds, async ({ pid, socket }, kind) => {
      const size = sizes.get(kind)!
      for (let index = 0; index < WARM_UP * (1 + size.before.length); index++) open(socket).close()
      await sleep(PAUSE)
      const before = residentKib(pid)
      const clients = Array.from({ length: SESSIONS }, () => open(socket))
      await sleep(PAUSE)
      const after = residentKib(pid)
      for (const client of clients) client.close()
      size.before.push(before / 1024)
      size.after.push(after / 1024)
      return (after - before) / SESSIONS
    })
    const notes = [...samples.keys()].map((kind) => {
      const { after, before } = sizes.get(kind)!
      const [without, having] = [summary(before).median.toFixed(1), summary(after).median.toFixed(1)]
      return `${kind}: ${without} MiB before, ${having} MiB with ${SESSIONS} sessions`
    })
    return { samples, notes }
  }

export const processRows: ReadonlyArray<Row> = [
  {
    id: "idle",
    title: `memory of an idle session that has said hello, ${SESSIONS} open`,
    unit: "KiB",
    goals: [{ text: "<= 20 KiB" }],
    measure: idle(() => handshake)
  },
  {
    id: "idle-used",
    title: `the same after a KEYINFO, which needs the agent, ${SESSIONS} open`,
    unit: "KiB",
    goals: [],
    measure: idle((keygrip) => [...handshake, keyInfo(keygrip)])
  },
  {
    id: "ready",
    title: "from the start of the process to its first greeting",
    unit: "ms",
    goals: [{ text: "<= 150 ms" }],
    measure: async (stage, effort) => ({
      samples: await ofFresh(stage, roundsOf(effort, 7), async ({ readyMs }) => readyMs)
    })
  },
  {
    id: "ready-memory",
    title: "resident memory at the first greeting",
    unit: "MiB",
    goals: [{ text: "<= 60 MiB" }],
    measure: async (stage, effort) => ({
      samples: await ofFresh(stage, roundsOf(effort, 7), async ({ pid }) => residentKib(pid) / 1024)
    })
  }
]
