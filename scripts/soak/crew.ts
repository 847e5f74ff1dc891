// The processes in which the clients are, and how they are told what to do. Whoever makes one ends it.
import { type ChildProcess, fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import type { BusyResult } from "./busy.ts"
import type { IdleResult } from "./idle.ts"
import type { Answer, Order } from "./worker.ts"

/** One process of clients. */
export class Crew {
  private readonly child: ChildProcess
  private readonly ended: Promise<string>

  constructor() {
    this.child = fork(join(import.meta.dirname, "worker.ts"), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
      // in a group of its own: Ctrl-C is for the soak to handle
      detached: true
    })
    this.ended = new Promise((resolve) => {
      this.child.once("exit", (code, signal) => resolve(`a process of clients has ended (${signal ?? code})`))
      this.child.once("error", ({ message }) => resolve(`a process of clients: ${message}`))
    })
  }

  /** Gives an order and waits for its answer. */
  async ask<K extends Answer["kind"]>(order: Order, kind: K): Promise<Extract<Answer, { readonly kind: K }>> {
    const answered = new Promise<Answer>((resolve) => this.child.once("message", (answer: Answer) => resolve(answer)))
    this.child.send(order)
    const answer = await Promise.race([answered, this.ended])
    if (typeof answer === "string") throw new Error(answer)
    if (answer.kind === "error") throw new Error(answer.error)
    if (answer.kind !== kind) throw new Error(`expected the answer "${kind}", got "${answer.kind}"`)
    return answer as Extract<Answer, { readonly kind: K }>
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL")
    await this.ended
  }
}

/** What comes of all that sign at the same time. */
export type BusyRun = Omit<BusyResult, "kind">

export interface BusyWish {
  readonly socket: string
  readonly keygrip: string
  /** One for each client. */
  readonly right: ReadonlyArray<string>
  readonly forMs: number
}

/** A process for each processor. */
export const processesFor = (clients: number): number => Math.min(clients, availableParallelism())

/** Has the clients sign, divided among the processes. */
export const signTogether = async (
  crews: ReadonlyArray<Crew>,
  { forMs, keygrip, right, socket }: BusyWish
): Promise<BusyRun> => {
  const used = crews.slice(0, right.length)
  let from = 0
  const results = await Promise.all(used.map((crew, index) => {
    const many = Math.floor((right.length + index) / used.length)
    const order = { kind: "busy", socket, keygrip, from, right: right.slice(from, from + many), forMs } as const
    from += many
    return crew.ask(order, "busy")
  }))
  return {
    times: joined(results),
    wallMs: Math.max(...results.map(({ wallMs }) => wallMs)),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
    reason: results.find(({ reason }) => reason !== undefined)?.reason
  }
}

/** The times of several runs as one. */
export const joined = (runs: ReadonlyArray<Pick<BusyRun, "times">>): Float32Array => {
  const all = new Float32Array(runs.reduce((sum, { times }) => sum + times.length, 0))
  let at = 0
  for (const { times } of runs) {
    all.set(times, at)
    at += times.length
  }
  return all
}

/** The idle ones, in a process of their own that goes on while others work; returns how they end. */
export const stayIdle = async (crew: Crew, socket: string, clients: number): Promise<() => Promise<IdleResult>> => {
  await crew.ask({ kind: "idle", socket, clients }, "open")
  return () => crew.ask({ kind: "end" }, "idle")
}
