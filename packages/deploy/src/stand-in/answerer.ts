// Who answers at a socket where GnuPG looks for its agent. Looks, and changes nothing; nobody is started.
import type { AgentConnection } from "@gripgate/proxy/upstream/agent"
import { SocketConnection } from "@gripgate/proxy/upstream/connection"
import * as Effect from "effect/Effect"
import { lstatSync } from "node:fs"

export type Answerer =
  /** There is nothing at the path. */
  | { readonly kind: "nothing" }
  /** A socket that nobody has any more. */
  | { readonly kind: "stale" }
  /** A file, a folder or a link. */
  | { readonly kind: "file" }
  | {
    readonly kind: "agent"
    readonly version: string
    /** As it says itself; absent where it is restricted. */
    readonly pid: number | undefined
    /** The path that it takes for its own: that of its standard socket. */
    readonly socket: string | undefined
    /** Its socket for other machines, or for browsers. */
    readonly restricted: boolean
  }
  /** A gate of this program, perhaps in front of an agent. */
  | { readonly kind: "gate" }
  /** Whoever takes the connection and says nothing that an agent says. */
  | { readonly kind: "other"; readonly reason: string }

/** Milliseconds for everything that is asked. */
const TIMEOUT = 3_000

/** Looks at a path. */
export const answererAt = (path: string): Effect.Effect<Answerer> =>
  Effect.suspend(() => {
    const file = lookAt(path)
    if (file !== "socket") return Effect.succeed<Answerer>({ kind: file })
    return Effect.acquireUseRelease(
      Effect.timeoutOrElse(SocketConnection.open(path), {
        duration: TIMEOUT,
        orElse: () => Effect.fail({ reason: "it takes connections but does not greet" })
      }),
      (connection) =>
        Effect.timeoutOrElse(whoIs(connection), {
          duration: TIMEOUT,
          orElse: () => Effect.succeed<Answerer>({ kind: "other", reason: "it greets and does not answer" })
        }),
      (connection) => Effect.sync(() => connection.close())
    ).pipe(Effect.catch(({ reason }) => Effect.succeed(notReached(reason))))
  })

const notReached = (reason: string): Answerer =>
  reason === "ECONNREFUSED" ? { kind: "stale" } : reason === "ENOENT" ? { kind: "nothing" } : { kind: "other", reason }

const lookAt = (path: string): "nothing" | "file" | "socket" => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found === undefined ? "nothing" : found.isSocket() ? "socket" : "file"
}

const whoIs = Effect.fnUntraced(function*(connection: SocketConnection): Effect.fn.Return<Answerer> {
  // an agent does not know the word
  if ((yield* ask(connection, "GRIPGATE WHOAMI")) !== undefined) return { kind: "gate" }
  const { restricted, version } = connection
  const pid = yield* ask(connection, "GETINFO pid")
  const socket = yield* ask(connection, "GETINFO socket_name")
  return { kind: "agent", version, restricted, pid: pid === undefined ? undefined : Number(pid), socket }
})

/** The data of an answer; `undefined` for an error. */
export const ask = (connection: AgentConnection, command: string): Effect.Effect<string | undefined> =>
  Effect.map(connection.exchange([Buffer.from(`${command}\n`)], 1, { status: [], live: () => {} }), (answer) => {
    if (answer.kind !== "done" || !answer.ok) return undefined
    const data = connection.collected.bytes.subarray(0, answer.finalAt).toString()
    return data.split("\n").map((line) => line.slice(2)).join("")
  })

/** What was found, for people. */
export const answererText = (found: Answerer): string => {
  switch (found.kind) {
    case "nothing":
      return "nobody"
    case "stale":
      return "a socket that nobody has any more"
    case "file":
      return "a file that is no socket"
    case "agent":
      return `gpg-agent ${found.version}${Number.isSafeInteger(found.pid) ? ` (pid ${found.pid})` : ""}`
    case "gate":
      return "a gate"
    case "other":
      return `somebody who is no gpg-agent (${found.reason})`
  }
}
