// The router for several agents: each session gets a connection that stands for all of them.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type AgentConnection, type NoAgent, noAgent, type Router } from "../agent.ts"
import { MergedConnection, type Upstreams } from "./connection.ts"
import { KeyPlaces } from "./places.ts"
import type { Upstream } from "./sub.ts"

/** One agent with the pool of connections to it. */
export interface Member {
  readonly name: string
  readonly router: Router
}

/** Milliseconds for which an agent that could not be had is not tried again, and one that took too long. */
const DOWN = 2_000
const SLOW = 10_000

/** Merges agents, in the order in which they are named; the first is the one for what names no key. */
export const mergeRouters = Effect.fnUntraced(function*(
  members: readonly [Member, ...ReadonlyArray<Member>]
): Effect.fn.Return<Router> {
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const [first] = members
  const upstreams: Upstreams = {
    all: members.map((member) => upstreamOf(member, now)),
    places: new KeyPlaces(now)
  }
  const ready = (): AgentConnection | undefined => {
    for (const [index, { router }] of members.entries()) {
      const connection = router.ready(undefined)
      if (connection !== undefined) return new MergedConnection(upstreams, { index, connection })
    }
    return undefined
  }
  const known = (of: (router: Router) => string | undefined): string | undefined => {
    for (const { router } of members) {
      const version = of(router)
      if (version !== undefined) return version
    }
    return undefined
  }
  const asked = members.slice(1).reduce(
    (before, { router }) => Effect.catch(before, () => router.version),
    first.router.version
  )
  return {
    ready,
    // it opens what it needs, when it needs it
    connect: () => Effect.sync(() => new MergedConnection(upstreams)),
    readyVersion: () => known((router) => router.readyVersion()),
    // what one has said is believed: clients that ask are not to wait for one that hangs
    version: Effect.suspend(() => {
      const said = known((router) => router.lastVersion())
      return said === undefined ? asked : Effect.succeed(said)
    }),
    lastVersion: () => known((router) => router.lastVersion()),
    expect: first.router.expect,
    // each agent hears of it by itself
    ended: () => {},
    forget: () => {
      upstreams.places.forget()
      first.router.forget()
    }
  }
})

const upstreamOf = ({ name, router }: Member, now: () => number): Upstream => {
  let down: { readonly until: number; readonly error: NoAgent } | undefined
  return {
    name,
    version: router.lastVersion,
    ended: router.ended,
    slow: () => {
      down = { until: now() + SLOW, error: noAgent("it takes too long") }
    },
    connect: Effect.suspend((): Effect.Effect<AgentConnection, NoAgent> => {
      if (down !== undefined && now() < down.until) return Effect.fail(noAgent(`${name}: ${down.error.reason}`))
      const ready = router.ready(undefined)
      if (ready !== undefined) return Effect.succeed(ready)
      return Effect.tapError(router.connect(undefined), (error) =>
        Effect.sync(() => {
          down = { until: now() + DOWN, error }
        }))
    })
  }
}
