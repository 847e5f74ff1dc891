// The agents of a gate: its own, and those that the policy names, each with its pool of connections; as one router.
import type { Upstream } from "@gripgate/policy/policy"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { openRunning } from "../keys/secret-keys.ts"
import type { Limits } from "../limits.ts"
import type { Log } from "../log.ts"
import type { AgentConnection, NoAgent, Router } from "./agent.ts"
import { commandStream } from "./command-stream.ts"
import { SocketConnection } from "./connection.ts"
import { MergedConnection } from "./merged/connection.ts"
import { KeyPlaces } from "./merged/places.ts"
import { type Member, mergeRouters } from "./merged/router.ts"
import { makePool } from "./pool.ts"

export interface MembersSettings {
  /** The gate's own agent; absent where a named one has its place. */
  readonly own: OwnAgent | undefined
  readonly named: ReadonlyArray<Upstream>
  readonly limits: Limits
  readonly log: Log
}

export interface OwnAgent {
  readonly socket: string
  /** Starts it; absent where somebody else looks after it. */
  readonly launch: Effect.Effect<void, { readonly message: string }> | undefined
}

export interface Members {
  readonly router: Router
  /** A connection for asking what keys there are: nothing is started for it but the commands of the policy. */
  readonly running: Effect.Effect<AgentConnection, NoAgent>
  /** The agents in their order, and what each said of its version. */
  readonly list: () => ReadonlyArray<{ readonly name: string; readonly where: string; readonly version: string | null }>
}

/** Milliseconds for an agent at the other end of a command to greet: ssh to another machine takes its time. */
const COMMAND_GREETING = 15_000

/** Makes the router. The one that answers for what names no key is the first. */
export const makeMembers = Effect.fnUntraced(function*(
  { limits, log, named, own }: MembersSettings
): Effect.fn.Return<Members, never, Scope.Scope> {
  const agents: Array<Agent> = named.toSorted((a, b) => Number(b.isDefault) - Number(a.isDefault)).map((upstream) =>
    agentOf(upstream, limits, log)
  )
  if (own !== undefined) {
    const { launch, socket } = own
    agents.unshift({ name: OWN, where: socket, open: SocketConnection.open(socket), greeting: limits.greeting, launch })
  }
  const members: Array<Member> = []
  for (const { greeting, launch, name, open, where } of agents) {
    members.push({ name, router: yield* makePool({ where, open, greeting, launch, limits, log }) })
  }
  const [first, ...others] = members
  if (first === undefined) return yield* Effect.die(new Error("a gate without an agent"))
  const list = () =>
    members.map(({ name, router }, index) => ({
      name,
      where: agents[index]!.where,
      version: router.lastVersion() ?? null
    }))
  if (others.length === 0) return { router: first.router, running: runningOf(agents[0]!), list }
  const clock = yield* Clock.Clock
  const places = new KeyPlaces(() => clock.currentTimeMillisUnsafe())
  const all = agents.map((agent) => ({
    name: agent.name,
    connect: runningOf(agent),
    version: () => undefined,
    slow: () => {},
    ended: () => {}
  }))
  return {
    router: yield* mergeRouters([first, ...others]),
    running: Effect.sync(() => new MergedConnection({ all, places })),
    list
  }
})

/** What the gate's own agent is called. */
export const OWN = "own"

interface Agent {
  readonly name: string
  readonly where: string
  readonly open: Effect.Effect<SocketConnection, NoAgent>
  readonly greeting: number
  readonly launch: OwnAgent["launch"]
}

const runningOf = ({ greeting, open }: Agent): Effect.Effect<AgentConnection, NoAgent> => openRunning(open, greeting)

const agentOf = ({ command, name, socket }: Upstream, limits: Limits, log: Log): Agent => {
  if (socket !== undefined) {
    return {
      name,
      where: socket,
      open: SocketConnection.open(socket),
      greeting: limits.greeting,
      launch: undefined
    }
  }
  const words = command ?? []
  const tell = (line: string): void => log.write(5, `upstream ${name}: ${line}`)
  return {
    name,
    where: words.join(" "),
    open: SocketConnection.over(() => commandStream(words, tell)),
    greeting: COMMAND_GREETING,
    launch: undefined
  }
}
