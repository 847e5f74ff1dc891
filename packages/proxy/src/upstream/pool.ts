// Connections to one agent that are opened ahead of need: a session's first command that needs the agent finds a
// connection that has been greeted already. A ready connection is fresh, serves one session, and is closed after a while.
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Limits } from "../limits.ts"
import type { Log } from "../log.ts"
import { type Expectation, type NoAgent, noAgent, type Router } from "./agent.ts"
import { DROPPED, type SocketConnection } from "./connection.ts"

/** How the agent is reached, and started where that may be done. */
export interface PoolSettings {
  /** For the log: the path of its socket, or its name. */
  readonly where: string
  /** Opens a connection to the agent, if it is there. */
  readonly open: Effect.Effect<SocketConnection, NoAgent>
  /** Milliseconds for it to greet. */
  readonly greeting: number
  /** Starts the agent; absent where somebody else looks after it. */
  readonly launch: Effect.Effect<void, { readonly message: string }> | undefined
  readonly limits: Limits
  readonly log: Log
}

const wants = (reason: string): boolean => reason === "ENOENT" || reason === "ECONNREFUSED"

/** An agent that ends takes connections up to its last moment, and drops them: a moment later nobody listens. */
const wasDropped = (reason: string): boolean => reason === "ECONNRESET" || reason === "EPIPE" || reason === DROPPED
const again = { schedule: Schedule.spaced(25), times: 20, while: (error: NoAgent) => wasDropped(error.reason) }

/** More clients at once than the agent's socket has places for: a program of its own would wait in connect(2). */
const queueFull = { schedule: Schedule.spaced(10), while: (error: NoAgent) => error.reason === "EAGAIN" }

/** The router for a single agent. */
export const makePool = Effect.fnUntraced(
  function*(settings: PoolSettings): Effect.fn.Return<Router, never, Scope.Scope> {
    const { greeting, limits, log, where } = settings
    const ready: Array<SocketConnection> = []
    const opening: Array<Fiber.Fiber<SocketConnection, NoAgent>> = []
    const run = yield* FiberSet.makeRuntime<never, unknown, unknown>()

    let lastVersion: string | undefined
    const once = Effect.retry(settings.open, queueFull).pipe(
      Effect.tap((connection) =>
        Effect.sync(() => {
          lastVersion = connection.version
        })
      ),
      Effect.timeoutOrElse({
        duration: greeting,
        orElse: () => Effect.fail(noAgent("it takes connections but does not greet; it may have been told to stop"))
      })
    )
    const started: Effect.Effect<SocketConnection, NoAgent> = settings.launch === undefined
      ? once
      : once.pipe(Effect.catch((error) =>
        wants(error.reason)
          ? settings.launch!.pipe(
            Effect.mapError((launch) => noAgent(launch.message)),
            Effect.andThen(once)
          )
          : Effect.fail(error)
      ))
    const open = Effect.retry(started, again)

    // told to stop: nobody is to hold it, nor to start another, until a session needs one again
    let stopped = false

    const remove = (connection: SocketConnection): void => {
      const at = ready.indexOf(connection)
      if (at >= 0) ready.splice(at, 1)
    }

    const keep = (connection: SocketConnection): void => {
      if (stopped) return connection.close()
      ready.push(connection)
      connection.whenClosed(() => remove(connection))
      run(
        Effect.sleep(limits.warm).pipe(Effect.andThen(Effect.sync(() => {
          if (!ready.includes(connection)) return
          remove(connection)
          connection.close()
        })))
      )
    }

    // Only what is needed is a reason to start an agent: somebody may have stopped it on purpose.
    const openAhead = (): void => {
      if (stopped) return
      const fiber = run(once)
      opening.push(fiber)
      fiber.addObserver((exit) => {
        const at = opening.indexOf(fiber)
        // where it is gone from the list, a session has taken it over
        if (at < 0) return
        opening.splice(at, 1)
        if (exit._tag === "Success") keep(exit.value)
      })
    }

    // sessions that have begun and have no connection yet
    let waiting = 0
    const expect = (): Expectation => {
      waiting++
      if (ready.length + opening.length < Math.min(waiting, limits.warmConnections)) openAhead()
      let open = true
      return {
        met: () => {
          if (open) waiting--
          open = false
        }
      }
    }

    // one client seldom comes alone: opened now, a connection costs the next one nothing
    const ended = (): void => {
      if (ready.length + opening.length === 0) openAhead()
    }

    const takeReady = (): SocketConnection | undefined => {
      stopped = false
      const connection = ready.shift()
      connection?.whenClosed(undefined)
      return connection?.closed === false ? connection : undefined
    }

    const connect: Effect.Effect<SocketConnection, NoAgent> = Effect.suspend(() => {
      const connection = takeReady()
      if (connection !== undefined) return Effect.succeed(connection)
      const fiber = opening.shift()
      const opened = fiber === undefined ? open : Effect.catch(
        Fiber.join(fiber),
        (error) => wants(error.reason) || wasDropped(error.reason) ? open : Effect.fail(error)
      )
      return Effect.tapError(
        opened,
        (error) => Effect.sync(() => log.write(4, `no agent at ${where}: ${error.reason}`))
      )
    })

    const readyVersion = (): string | undefined => ready.find((candidate) => !candidate.closed)?.version

    const version: Effect.Effect<string, NoAgent> = Effect.suspend(() => {
      const known = readyVersion()
      if (known !== undefined) return Effect.succeed(known)
      // whoever asks will soon want the connection too
      return Effect.map(connect, (opened) => {
        keep(opened)
        return opened.version
      })
    })

    const forget = (): void => {
      stopped = true
      for (const connection of ready.splice(0)) connection.close()
    }
    yield* Effect.addFinalizer(() => Effect.sync(forget))
    return {
      ready: takeReady,
      connect: () => connect,
      readyVersion,
      version,
      lastVersion: () => lastVersion,
      expect,
      ended,
      forget
    }
  }
)
