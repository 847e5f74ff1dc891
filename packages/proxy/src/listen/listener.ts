// A Unix socket that listens as long as a scope lasts. It is to be found only when it is ready, has the right mode from its
// first moment, takes nobody's place, and removes nothing but itself. What comes in is somebody else's.
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as net from "node:net"
import { dirname, resolve } from "node:path"
import { folderProblem, makeFolder } from "../folder.ts"
import { type Lock, takeLock } from "../lock.ts"
import { type Log, LogService } from "../log.ts"
import { reasonOf } from "../reason.ts"
import {
  type Identity,
  ListenError,
  occupied,
  pathProblem,
  probe,
  publish,
  temporaryName,
  withdraw
} from "./socket-file.ts"

export { ListenError }

export interface ListenOptions {
  readonly path: string
  /** The permissions of the socket; 0600 where left out. */
  readonly mode?: number
  /** The number of the group that the socket is given to. */
  readonly group?: number
}

export type OnConnection = (socket: net.Socket) => void

interface Listener {
  readonly path: string
  readonly own: Identity
  readonly server: net.Server
  readonly lock: Lock
}

/**
 * Listens at a path (relative to the working directory; the path that it is comes back) and hands out each connection,
 * half open and flowing; its errors are the receiver's. Directories that are missing are made, 0700, or 0711 where the mode
 * lets others in: they may go through, and see no names. A stale socket is replaced; a live one, or a file that is no socket, is an error. `PATH.lock` lies beside it meanwhile.
 *
 * At the end the name is removed, unless another socket has it by now, and nothing more is accepted; connections live on.
 */
export const listen = Effect.fnUntraced(function*(
  options: ListenOptions,
  onConnection: OnConnection
): Effect.fn.Return<{ readonly path: string }, ListenError, Scope.Scope | LogService> {
  const log = yield* LogService
  const { path } = yield* Effect.acquireRelease(open(options, onConnection, log), close)
  return { path }
})

/**
 * Takes connections at a socket that somebody else has made and listens with. Nothing of it is changed, and at the end its name
 * stays: whoever made it holds it, and hands it to the next gate.
 */
export const adopt = Effect.fnUntraced(function*(
  { fd, path }: { readonly fd: number; readonly path: string },
  onConnection: OnConnection
): Effect.fn.Return<void, ListenError, Scope.Scope | LogService> {
  const log = yield* LogService
  yield* Effect.acquireRelease(
    Effect.callback<net.Server, ListenError>((resume) => {
      const server = makeServer(onConnection)
      const fail = (error: Error) => resume(Effect.fail(failure(path, error)))
      server.once("error", fail)
      server.listen({ fd })
      if (!server.listening) return
      server.off("error", fail)
      tellErrors(server, path, log)
      resume(Effect.succeed(server))
    }),
    (server) => Effect.sync(() => server.close())
  )
})

const makeServer = (onConnection: OnConnection): net.Server =>
  net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, onConnection)

/** It goes on listening. Out of file descriptors is not told here: libuv then turns clients away by itself. */
const tellErrors = (server: net.Server, path: string, log: Log): void => {
  server.on("error", (error) => log.write(3, `a client was turned away at ${path}: ${reasonOf(error)}`))
}

const open = Effect.fnUntraced(function*(
  options: ListenOptions,
  onConnection: OnConnection,
  log: Log
): Effect.fn.Return<Listener, ListenError> {
  const path = resolve(options.path)
  const problem = pathProblem(path)
  if (problem !== undefined) return yield* problem
  yield* makeDirectory(dirname(path), ((options.mode ?? 0) & 0o077) !== 0)
  const lock = yield* Effect.mapError(
    takeLock({ file: `${path}.lock`, held: (by) => occupied(path, by) }, log),
    ({ hint, message }) => new ListenError({ message, hint })
  )
  return yield* Effect.gen(function*() {
    const stale = yield* probe(path)
    const server = makeServer(onConnection)
    // Node unlinks, without looking, the name that it was told to listen at, also when a process ends by itself. So that
    // is a name which nobody else ever has: the socket is linked to PATH, and a successor's socket there is safe.
    const temporary = yield* attempt(path, () => temporaryName(path))
    yield* bind(server, temporary, path)
    const own = yield* attempt(path, () => {
      // first whose it is, then who may: never a moment in which the wrong group may
      if (options.group !== undefined) fs.chownSync(temporary, -1, options.group)
      if (options.mode !== undefined && options.mode !== 0o600) fs.chmodSync(temporary, options.mode)
      return publish(temporary, path, stale)
    }).pipe(Effect.onError(() => Effect.sync(() => server.close())))
    tellErrors(server, path, log)
    return { path, own, server, lock }
  }).pipe(Effect.onError(() => Effect.sync(lock.release)))
})

const close = ({ lock, own, path, server }: Listener): Effect.Effect<void> =>
  Effect.sync(() => {
    withdraw(path, own)
    server.close()
    lock.release()
  })

const attempt = <A>(path: string, call: () => A): Effect.Effect<A, ListenError> =>
  Effect.try({ try: call, catch: (error) => failure(path, error) })

const failure = (path: string, error: unknown): ListenError =>
  error instanceof ListenError
    ? error
    : new ListenError({ message: `cannot listen at ${path}: ${reasonOf(error)}` })

/** Makes the folder of a socket, or says why a socket there would not be safe. */
export const makeDirectory = (path: string, forOthers: boolean): Effect.Effect<void, ListenError> =>
  Effect.try({
    try: () => {
      makeFolder(path, forOthers ? 0o711 : 0o700)
      const message = folderProblem(path, process.getuid?.())
      if (message === undefined) return
      throw new ListenError({ message, hint: "clients could be led to another socket; use a directory of your own" })
    },
    catch: (error) =>
      error instanceof ListenError
        ? error
        : new ListenError({ message: `the directory ${path} cannot be made: ${reasonOf(error)}` })
  })

/** Makes the socket, 0600 from the start. Node does so within the call, so the umask of the process is back at once. */
export const bind = (server: net.Server, temporary: string, path: string): Effect.Effect<void, ListenError> =>
  Effect.callback<void, ListenError>((resume) => {
    const fail = (error: Error) => resume(Effect.fail(failure(path, error)))
    server.once("error", fail)
    const umask = process.umask(0o177)
    try {
      server.listen(temporary)
    } finally {
      process.umask(umask)
    }
    if (!server.listening) return
    server.off("error", fail)
    resume(Effect.void)
  })
