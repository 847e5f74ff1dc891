// A server for clients whose facts are read: it hands out its connections one by one, half open and flowing, as the gate has
// them, and ends them with the scope.
import * as Effect from "effect/Effect"
import { chmodSync } from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { startChild } from "../../support/child.ts"
import { scratch } from "../../support/scratch.ts"

export const startServer = Effect.gen(function*() {
  const dir = yield* scratch
  // for clients that are another user
  chmodSync(dir, 0o711)
  const path = join(dir, "S")
  const sockets: Array<net.Socket> = []
  let wake = Promise.withResolvers<void>()
  yield* Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => {
        sockets.push(socket.on("error", () => {}).resume())
        wake.resolve()
      })
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )
  chmodSync(path, 0o666)
  let taken = 0
  const accepted = Effect.promise(async () => {
    while (sockets.length === taken) {
      wake = Promise.withResolvers()
      await wake.promise
    }
    return sockets[taken++]!
  })
  return { dir, path, accepted }
})

/** A client of its own that has connected, and the server's end of its connection. */
export const connected = Effect.fnUntraced(function*(
  { accepted, path }: Effect.Success<typeof startServer>,
  message: object = {}
) {
  const child = yield* startChild("../listen/facts/client-program.ts")
  yield* child.hear
  yield* child.ask({ connect: path, ...message })
  return { child, socket: yield* accepted }
})

/** Resolves when nobody is left who has the other end. */
export const ended = (socket: net.Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.readableEnded) return resume(Effect.void)
    socket.once("end", () => resume(Effect.void))
  })
