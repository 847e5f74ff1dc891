// A socket at a path that is not the gate's own: the standard place of GnuPG's agent. The gate takes the name, keeps it against
// agents that are started over it or that remove it as they end, and gives it back at the end. Who may be moved out of the
// way, and how, is somebody else's (`Held`); no client ever finds nobody there.
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as net from "node:net"
import { basename, dirname, join, resolve } from "node:path"
import { type Lock, takeLock } from "../lock.ts"
import { type Log, LogService } from "../log.ts"
import { reasonOf } from "../reason.ts"
import { bind, type ListenOptions, makeDirectory, type OnConnection } from "./listener.ts"
import { type Identity, isNamed, ListenError, occupied, pathProblem, temporaryName } from "./socket-file.ts"

/** Whoever has the path before and after the gate. */
export interface Held {
  /** Makes room: what is at the path may be replaced when this is done, and is reachable elsewhere if it has to be. */
  readonly makeRoom: Effect.Effect<void, ListenError>
  /** The path is the gate's now: whoever was there and is not needed any more can go. */
  readonly taken: Effect.Effect<void>
  /** The gate ends: replaces its socket at the path by what belongs there, or removes it. Does not fail. */
  readonly giveBack: Effect.Effect<void>
}

/** Milliseconds between two looks at the path, where the system does not tell of changes. */
const LOOK = 1_000

/** Milliseconds before somebody who cannot be moved is looked at again, and between two times that the name is taken back. */
const PAUSE = 250

/** Milliseconds in which clients are taken still that had connected before the name was given back. */
const DRAIN = 20

interface Holder {
  readonly path: string
  /** A second name of the socket, in the same folder: a name that is lost can be made again only from another. */
  readonly second: string
  readonly own: Identity
  readonly server: net.Server
  readonly lock: Lock
}

/**
 * Listens at a path that others use too, as long as the scope lasts. The name is replaced in one step, so that a client finds
 * the one or the other there. Whoever takes it later is moved away, which the log tells.
 */
export const listenHeld = Effect.fnUntraced(function*(
  options: ListenOptions,
  held: Held,
  onConnection: OnConnection
): Effect.fn.Return<{ readonly path: string }, ListenError, Scope.Scope | LogService> {
  const log = yield* LogService
  const holder = yield* Effect.acquireRelease(open(options, onConnection, log), (opened) =>
    // what was never taken, or has been lost, is somebody else's
    (isNamed(opened.own, opened.path) ? held.giveBack : Effect.void).pipe(
      // whoever is in the queue of a socket that is closed is cut off without a word
      Effect.andThen(Effect.sleep(DRAIN)),
      Effect.andThen(Effect.sync(() => close(opened)))
    ))
  const changes = yield* Queue.sliding<"change">(1)
  yield* watching(holder.path, () => void Queue.offerUnsafe(changes, "change"))
  yield* held.makeRoom
  yield* take(holder)
  yield* held.taken
  yield* Effect.forkScoped(keep(holder, held, changes, log))
  return { path: holder.path }
})

const open = Effect.fnUntraced(function*(
  options: ListenOptions,
  onConnection: OnConnection,
  log: Log
): Effect.fn.Return<Holder, ListenError> {
  const path = resolve(options.path)
  const problem = pathProblem(path)
  if (problem !== undefined) return yield* problem
  yield* makeDirectory(dirname(path), false)
  const lock = yield* Effect.mapError(
    takeLock({ file: `${path}.lock`, held: (by) => occupied(path, by) }, log),
    ({ hint, message }) => new ListenError({ message, hint })
  )
  return yield* Effect.gen(function*() {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: false }, onConnection)
    const temporary = yield* attempt(path, () => temporaryName(path))
    yield* bind(server, temporary, path)
    server.on("error", (error) => log.write(3, `a client was turned away at ${path}: ${reasonOf(error)}`))
    // the lock is held: what is left of a gate that was killed is nobody's
    const second = `${path}.gate`
    const own = yield* attempt(path, () => {
      if (options.mode !== undefined && options.mode !== 0o600) fs.chmodSync(temporary, options.mode)
      fs.renameSync(temporary, second)
      return fs.lstatSync(second, { bigint: true })
    }).pipe(Effect.onError(() => Effect.sync(() => server.close())))
    return { path, second, own, server, lock }
  }).pipe(Effect.onError(() => Effect.sync(lock.release)))
})

const close = ({ lock, own, path, second, server }: Holder): void => {
  for (const name of [path, second]) {
    try {
      if (isNamed(own, name)) fs.unlinkSync(name)
    } catch {
      // a folder that is gone
    }
  }
  server.close()
  lock.release()
}

/** Puts the gate's socket at the path, in place of whatever is there. */
const take = ({ path, second }: Holder): Effect.Effect<void, ListenError> =>
  attempt(path, () => {
    const temporary = temporaryName(path)
    fs.linkSync(second, temporary)
    fs.renameSync(temporary, path)
  })

const attempt = <A>(path: string, call: () => A): Effect.Effect<A, ListenError> =>
  Effect.try({
    try: call,
    catch: (error) => new ListenError({ message: `cannot take the place of ${path}: ${reasonOf(error)}` })
  })

/** Sees to it that the name stays. */
const keep = (holder: Holder, held: Held, changes: Queue.Queue<"change">, log: Log): Effect.Effect<never> => {
  const { own, path } = holder
  let told: string | undefined
  const again = Effect.gen(function*() {
    yield* held.makeRoom
    yield* take(holder)
    told = undefined
    log.write(4, `${path} was taken from the gate, and taken back`)
    yield* held.taken
  }).pipe(Effect.catch(({ message }) =>
    Effect.sync(() => {
      if (message !== told) log.write(3, `clients may go around the gate: ${message}`)
      told = message
    })
  ))
  return Effect.forever(Effect.gen(function*() {
    yield* Effect.timeoutOption(Queue.take(changes), LOOK)
    if (isNamed(own, path)) return
    yield* again
    yield* Effect.sleep(PAUSE)
  }))
}

/** Hears of changes of one name in its folder; where the system cannot tell, the looks have to do. */
const watching = (path: string, changed: () => void): Effect.Effect<void, never, Scope.Scope> => {
  const name = basename(path)
  const start = (): fs.FSWatcher | undefined => {
    try {
      const watcher = fs.watch(dirname(path), { persistent: false }, (_, file) => {
        if (file === name || file === null) changed()
      })
      watcher.on("error", () => watcher.close())
      return watcher
    } catch {
      return undefined
    }
  }
  return Effect.asVoid(Effect.acquireRelease(Effect.sync(start), (watcher) => Effect.sync(() => watcher?.close())))
}

/** Another name for a socket of the agent, beside it: not longer, so that it is not too long where the other is not. */
export const asideOf = (path: string): string => {
  const name = basename(path)
  return join(dirname(path), name.startsWith(AGENT) ? `S.gripgate${name.slice(AGENT.length)}` : `${name}.gripgate`)
}

const AGENT = "S.gpg-agent"
