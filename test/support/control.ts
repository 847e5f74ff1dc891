// The control socket of a gate as its owner's command line uses it, without a process for each word of his; and one who watches,
// so that a test waits for what changes at the gate instead of asking again and again.
import { askControl, watchControl } from "@gripgate/proxy/control/client"
import type { PlainRequest, Request } from "@gripgate/proxy/control/message/request"
import type { ResultOf } from "@gripgate/proxy/control/message/results"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import { setTimeout as sleep } from "node:timers/promises"

export type AskedQuestion = ResultOf<"asks">[number]
export type Snapshot = ResultOf<"watch">
type Good = Extract<Request, { verb: "answer" }>["good"]

/** What the owner says, each over a connection of its own. A refusal is an Error with the gate's own words. */
export interface Control {
  readonly path: string
  asks(): Promise<ResultOf<"asks">>
  status(): Promise<ResultOf<"status">>
  grants(): Promise<ResultOf<"grants">>
  answer(id: string, kind: "yes" | "no", good?: Good): Promise<AskedQuestion>
  revoke(what: Extract<Request, { verb: "revoke" }>["what"]): Promise<ResultOf<"revoke">>
  tty(environment: Readonly<Record<string, string>>): Promise<ResultOf<"tty">>
  watch(): Promise<Watcher>
}

/** One who watches: the last thing he was told, and whatever he waits for. */
export interface Watcher extends AsyncDisposable {
  readonly last: () => Snapshot
  /** Waits until the gate tells something that is as wanted. Throws at the time-out, and when the gate is gone. */
  until(what: string, holds: (snapshot: Snapshot) => boolean, timeoutMs?: number): Promise<Snapshot>
  /** Waits until so many questions lie open, and returns them in the order of asking. */
  open(count?: number, timeoutMs?: number): Promise<ReadonlyArray<AskedQuestion>>
}

export const controlOf = (path: string): Control => {
  const ask = <R extends PlainRequest>(request: R) => Effect.runPromise(askControl(path, request))
  return {
    path,
    asks: () => ask({ verb: "asks" }),
    status: () => ask({ verb: "status" }),
    grants: () => ask({ verb: "grants" }),
    answer: (id, kind, good = "once") => ask({ verb: "answer", id, kind, good, through: "approve" }),
    revoke: (what) => ask({ verb: "revoke", what }),
    tty: (environment) => ask({ verb: "tty", environment }),
    watch: () => watch(path)
  }
}

const watch = async (path: string): Promise<Watcher> => {
  const scope = Scope.makeUnsafe()
  const queue = await Effect.runPromise(Scope.provide(watchControl(path), scope))
  let last = await Effect.runPromise(Queue.take(queue))
  let gone: unknown
  let wake = Promise.withResolvers<void>()
  const told = () => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const listening = Effect.runFork(
    Effect.forever(Effect.map(Queue.take(queue), (snapshot) => {
      last = snapshot
      told()
    })).pipe(Effect.catchCause((cause) =>
      Effect.sync(() => {
        gone = Cause.squash(cause)
        told()
      })
    ))
  )
  const until: Watcher["until"] = async (what, holds, timeoutMs = 10_000) => {
    const late = sleep(timeoutMs, "late" as const, { ref: false })
    for (;;) {
      const changed = wake.promise
      if (holds(last)) return last
      if (gone !== undefined) throw new Error(`expected ${what}, but: ${String(gone)}`)
      if (await Promise.race([changed, late]) !== "late") continue
      throw new Error(`expected ${what} within ${timeoutMs} ms; the gate last told ${JSON.stringify(last, null, 1)}`)
    }
  }
  const isOpen = ({ state }: AskedQuestion) => state === "open"
  return {
    last: () => last,
    until,
    open: async (count = 1, timeoutMs) => {
      const { asks } = await until(
        `${count} open questions`,
        ({ asks }) => asks.filter(isOpen).length === count,
        timeoutMs
      )
      return asks.filter(isOpen)
    },
    [Symbol.asyncDispose]: async () => {
      await Effect.runPromise(Fiber.interrupt(listening))
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}
