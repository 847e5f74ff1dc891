// One thing that is asked of the agent over a connection for nothing else. An agent that hangs keeps nobody: the time is bounded, and
// whoever is interrupted takes the connection with him.
import * as Effect from "effect/Effect"
import { type AgentConnection, type NoAgent, noAgent } from "./agent.ts"

/** Milliseconds for everything that is asked: reading a key's file takes a few, unprotecting it some hundreds. */
const TIMEOUT = 10_000

/** Opens a connection, asks, and closes it. Fails with `NoAgent` where there is none, and where it is not done within 10 s. */
export const askAgent = <A, E>(
  connect: Effect.Effect<AgentConnection, NoAgent>,
  ask: (connection: AgentConnection) => Effect.Effect<A, E>
): Effect.Effect<A, E | NoAgent> =>
  Effect.acquireUseRelease(
    connect,
    (connection): Effect.Effect<A, E | NoAgent> =>
      Effect.timeoutOrElse(ask(connection), {
        duration: TIMEOUT,
        orElse: () => Effect.fail(noAgent(`it does not answer within ${TIMEOUT / 1000} s`))
      }),
    (connection) => Effect.sync(() => connection.close())
  )
