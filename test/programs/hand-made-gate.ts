// A control socket that asks what a test says, and takes answers: the messages are those of a gate, and nothing is behind them.
import type { ResultOf } from "@gripgate/proxy/control/message/results"
import type { ControlProblem } from "@gripgate/proxy/control/problem"
import { type ControlVerbs, serveControl } from "@gripgate/proxy/control/server"
import { LogService } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { join } from "node:path"

type Asked = ResultOf<"asks">[number]

export interface HandMadeGate extends AsyncDisposable {
  readonly path: string
  /** The answers that came: ID, kind, for how long, and through what. */
  readonly answers: ReadonlyArray<ReadonlyArray<unknown>>
  /** What is asked from now on; watchers are told. */
  ask(...asks: ReadonlyArray<Asked>): void
  /** From now on every answer is refused with this. */
  refuse(error: string): void
  /** From now on nobody may. */
  deny(error: string, hint: string): void
  /** Takes the socket away. */
  stop(): Promise<void>
}

/** A question of the app mailpile, asked now. */
export const question = (id: string, over: Partial<Asked> = {}): Asked => {
  const key = {
    keygrip: "9FCB64C268C81617336E8821996E584AAE650A0A",
    keyId: "6F1D0C6A3B2E9A41",
    fingerprint: "0F1E2D3C4B5A69788796A5B46F1D0C6A3B2E9A41",
    userId: "Alice <alice@example.org>",
    capabilities: ["sign"]
  }
  return {
    id,
    app: "mailpile",
    operation: "sign",
    operations: ["sign"],
    purpose: "sign",
    key: key.keygrip,
    keys: [key],
    command: "PKSIGN",
    who: "by facts that the kernel vouches for: user mailpile (1001), /usr/bin/python3",
    recognised: "kernel",
    uid: 1001,
    pid: 4711,
    program: "/usr/bin/python3",
    digest: { algorithm: "SHA256", hex: "9F86D081".repeat(8) },
    unseen: false,
    said: null,
    note: null,
    offers: { forMs: 900_000, always: true },
    entry: "[apps.mailpile] sign = \"ask\" (policy.toml:14:1)",
    state: "open",
    askedAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 120_000).toISOString(),
    ...over
  }
}

const status = (): ResultOf<"status"> => {
  const now = new Date().toISOString()
  return {
    version: "0.0.0",
    pid: process.pid,
    startedAt: now,
    uptimeSeconds: 1,
    upstream: { socket: "/run/agent", version: null },
    upstreams: [{ name: "own", where: "/run/agent", version: null }],
    listen: [],
    policy: { file: null, default: "ask", loadedAt: now },
    sessions: { open: 0, served: 0, list: [] },
    questions: { open: 0, waiting: 0 },
    grants: { inForce: 0 },
    owner: { display: ":0", tty: "/dev/pts/3" },
    paused: [],
    refused: 0
  }
}

const refused = Effect.fail<ControlProblem>({ fault: "refused", error: "this gate cannot" })

/** The verbs of a gate that has nothing and can do nothing, but for its status. */
export const gateVerbs: ControlVerbs = {
  status: () => Effect.sync(status),
  asks: () => Effect.succeed([]),
  answer: () => refused,
  grants: () => refused,
  revoke: () => refused,
  tty: () => refused,
  plan: () => refused,
  grant: () => refused,
  rotate: () => refused,
  renew: () => refused,
  watch: () => () => {},
  snapshot: () => ({
    at: new Date().toISOString(),
    asks: [],
    decided: [],
    paused: [],
    owner: { display: ":0", tty: "/dev/pts/3" }
  })
}

/** Serves in a folder of its own, or at `at`. An answer to a question takes it away, as a gate does. */
export const serveGate = async (at?: string): Promise<HandMadeGate> => {
  const folder = at === undefined ? await makeFolder("gh") : undefined
  const path = at ?? join(folder!, "control")
  const answers: Array<ReadonlyArray<unknown>> = []
  const watchers = new Set<() => void>()
  let asks: ReadonlyArray<Asked> = []
  let refusal: string | undefined
  let denied: { readonly error: string; readonly hint: string } | undefined
  const changed = () => watchers.forEach((tell) => tell())
  const verbs: ControlVerbs = {
    ...gateVerbs,
    asks: () => Effect.sync(() => asks),
    tty: ({ environment }) =>
      Effect.succeed({ display: environment["DISPLAY"] ?? null, tty: environment["GPG_TTY"] ?? null }),
    answer: ({ good, id, kind, through }) =>
      Effect.suspend(() => {
        const asked = asks.find((ask) => ask.id === id)
        const error = refusal ?? (asked === undefined ? `there is no question ${id}` : undefined)
        if (error !== undefined) return Effect.fail<ControlProblem>({ fault: "refused", error })
        answers.push([id, kind, good, through])
        asks = asks.filter((ask) => ask !== asked)
        changed()
        return Effect.succeed(asked!)
      }),
    watch: (tell) => {
      watchers.add(tell)
      return () => void watchers.delete(tell)
    },
    snapshot: () => ({ ...gateVerbs.snapshot(), asks })
  }
  const scope = Scope.makeUnsafe()
  const stop = () => Effect.runPromise(Scope.close(scope, Exit.void))
  await Effect.runPromise(
    serveControl({
      path,
      verbs,
      facts: () => Effect.succeed({ socket: path, chain: [] }),
      denied: () => denied
    }).pipe(Scope.provide(scope), Effect.provideService(LogService, { level: 3, write: () => {} }))
  )
  return {
    path,
    answers,
    ask: (...next) => {
      asks = next
      changed()
    },
    refuse: (error) => {
      refusal = error
    },
    deny: (error, hint) => {
      denied = { error, hint }
      changed()
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      if (folder !== undefined) await removeFolder(folder)
    }
  }
}
