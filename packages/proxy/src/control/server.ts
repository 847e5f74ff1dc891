// The control socket's end in the gate. Whoever may connect (the socket is 0600) may ask; one request for each connection.
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type * as net from "node:net"
import { listen } from "../listen/listener.ts"
import type { ListenError } from "../listen/socket-file.ts"
import { LogService } from "../log.ts"
import { readLine } from "./line.ts"
import { parseRequest, type Reply, type Status, VERSION, writeMessage } from "./message.ts"

export interface ControlOptions {
  readonly path: string
  readonly status: () => Status
}

/** Milliseconds for a client to ask, and the same again to take the answer and go. */
const PATIENCE = 5_000

/** Connections at once; beyond, one is closed unheard. */
const MAX_CONNECTIONS = 16

/** Serves the control socket until the scope closes. A client that says nothing, or nonsense, costs a file descriptor for 10 s. */
export const serveControl = Effect.fnUntraced(function*(
  { path, status }: ControlOptions
): Effect.fn.Return<{ readonly path: string }, ListenError, Scope.Scope | LogService> {
  const log = yield* LogService
  const fibers = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(fibers)<never>()
  let open = 0
  return yield* listen({ path }, (socket) => {
    // a client that is gone already is nothing to report
    socket.on("error", () => {})
    if (open >= MAX_CONNECTIONS) return void socket.destroy()
    open++
    socket.once("close", () => open--)
    run(
      converse(socket, status).pipe(
        Effect.catchDefect((defect) =>
          Effect.sync(() => log.write(3, `a bug in the control socket: ${String(defect)}`))
        ),
        Effect.ensuring(Effect.sync(() => socket.destroy()))
      )
    )
  })
})

const converse = (socket: net.Socket, status: () => Status): Effect.Effect<void> =>
  readLine(socket).pipe(
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(`no request came within ${PATIENCE / 1000} s`)
    }),
    Effect.flatMap((line) => Effect.fromResult(parseRequest(line))),
    Effect.map((): Reply => ({ v: VERSION, ok: true, status: status() })),
    Effect.catch((error) => Effect.succeed<Reply>({ v: VERSION, ok: false, error })),
    Effect.flatMap((reply) => send(socket, writeMessage(reply))),
    Effect.timeoutOption(2 * PATIENCE),
    Effect.asVoid
  )

/** Sends and waits until the client has closed: to close first, with bytes unread, would take the answer from it. */
const send = (socket: net.Socket, line: Buffer): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    socket.resume().end(line)
  })
