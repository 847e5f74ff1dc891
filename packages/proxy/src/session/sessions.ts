// All sessions of a gate: how many there may be, who owes something for too long, and how they end when the gate stops.
// One watch over all costs nothing on the way of a request; a timer for each line would.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { gpgError } from "@gripgate/protocol/gpg-error"
import { errLine } from "@gripgate/protocol/reply"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as net from "node:net"
import type { Limits } from "../limits.ts"
import type { Facts } from "../listen/facts.ts"
import { ClientChannel, type Debt } from "./client.ts"
import { SessionContext, type SessionServices } from "./context.ts"
import { GREETING, serveSession } from "./session.ts"

/** How often somebody looks, in milliseconds: a time-out comes up to this much late. */
const WATCH = 250

const debts: ReadonlyArray<readonly [Debt, keyof Limits, string]> = [
  ["line", "finishLine", "a line was not finished in time"],
  ["answer", "finishAnswer", "an inquiry was not answered in time"],
  ["reply", "takeReply", "a reply was not read in time"]
]

const TIMEOUT = errLine(gpgError.TIMEOUT)
const LIMIT = errLine(gpgError.LIMIT_REACHED)
const STOPS = errLine(gpgError.NO_AGENT)

export interface Sessions {
  /** Takes a connection over; `owner` is the app that owns the socket, `restricted` says that the agent is to restrict it. */
  readonly accept: (socket: net.Socket, owner: string | undefined, path: string, restricted?: boolean) => void
  readonly open: () => number
  readonly openOn: (path: string) => number
  readonly served: () => number
  /** Those that are open, the oldest first, at most `most`. */
  readonly list: (most: number) => ReadonlyArray<OpenSession>
}

/** One session, for whoever asks how the gate is. */
export interface OpenSession {
  readonly app: string | undefined
  readonly facts: Facts
  /** Milliseconds of the clock. */
  readonly connectedAt: number
}

/** Sessions end with the scope: waiting ones at once, a running command gets `limits.stop` to finish. */
export const makeSessions = Effect.fnUntraced(
  function*(
    services: SessionServices,
    limits: Limits,
    readFacts: (socket: net.Socket, path: string) => ClientFacts
  ): Effect.fn.Return<Sessions, never, Scope.Scope> {
    const clock = yield* Clock.Clock
    const now = (): number => clock.currentTimeMillisUnsafe()
    const running = new Map<SessionContext, Fiber.Fiber<void>>()
    const since = new WeakMap<SessionContext, number>()
    const byApp = new Map<string | undefined, number>()
    const byPath = new Map<string, number>()
    // also of sessions that have ended, while their clients take the last reply
    const sockets = new Set<net.Socket>()
    let served = 0

    const set = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(set)()
    const count = <K>(map: Map<K, number>, key: K, by: number): void => {
      map.set(key, (map.get(key) ?? 0) + by)
    }

    const accept = (socket: net.Socket, owner: string | undefined, path: string, restricted = false): void => {
      // greeted in any case: whoever is not greeted starts an agent over this socket
      socket.write(GREETING)
      served++
      const client = new ClientChannel(socket, now)
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
      const tooMany = running.size >= limits.sessions
      const known: ClientFacts = tooMany ? { socket: path, chain: [] } : readFacts(socket, path)
      const session = new SessionContext(client, owner, { ...known, session: served }, services)
      if (restricted) session.state.restrict()
      const { app } = session
      if (tooMany || (byApp.get(app) ?? 0) >= limits.sessionsOfApp) {
        client.send(LIMIT)
        client.close()
        return
      }
      count(byApp, app, 1)
      count(byPath, path, 1)
      services.journal.connected(app, session.facts, session.identity)
      const fiber = run(serveSession(session))
      running.set(session, fiber)
      since.set(session, now())
      // once the greeting is out: what the client says next needs no agent, so there is time to get one
      session.expectConnection()
      fiber.addObserver(() => {
        running.delete(session)
        count(byApp, app, -1)
        count(byPath, path, -1)
      })
    }

    const watch = Effect.sync(() => {
      const time = now()
      for (const session of running.keys()) {
        const { client } = session
        for (const [debt, limit, reason] of debts) {
          const since = client.owes(debt)
          if (since !== undefined && time - since >= limits[limit]) client.closeFor(reason, TIMEOUT)
        }
        // whatever the agent is still doing for it: there is nobody to hand it to
        if (client.gone || client.closedFor !== undefined) session.abandon()
        else client.probe()
      }
    })
    yield* Effect.forkScoped(Effect.repeat(watch, Schedule.spaced(WATCH)))

    const stop = Effect.gen(function*() {
      for (const session of running.keys()) session.stopping = true
      const fibers = [...running.values()]
      yield* Effect.forEach(fibers, (fiber) => Effect.sync(() => fiber.interruptUnsafe()))
      const ended = Effect.forEach(fibers, (fiber) => Fiber.await(fiber), { discard: true })
      const inTime = yield* Effect.timeoutOption(ended, limits.stop)
      if (inTime._tag === "Some") return
      for (const session of running.keys()) {
        session.client.closeFor("the gate stops", STOPS)
        session.abandon()
      }
      yield* ended
    })
    yield* Effect.addFinalizer(() =>
      Effect.andThen(stop, Effect.sync(() => sockets.forEach((socket) => socket.destroySoon())))
    )

    return {
      accept,
      open: () => running.size,
      openOn: (path) => byPath.get(path) ?? 0,
      served: () => served,
      list: (most) =>
        [...running.keys()].slice(0, most).map((session) => ({
          app: session.app,
          facts: session.facts,
          connectedAt: since.get(session) ?? 0
        }))
    }
  }
)
