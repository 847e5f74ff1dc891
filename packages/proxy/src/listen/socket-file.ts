// The file that a Unix socket is in the file system: who is behind it, how a new one gets there, and how one's own goes away
// again. Its border: it knows no server and no lock; the caller sees to it that no second gate does the same meanwhile.
import { MAX_SOCKET_PATH } from "@gripgate/policy/file/socket"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as net from "node:net"
import { basename, dirname, join } from "node:path"
import { codeOf, reasonOf } from "../reason.ts"

/** A socket that cannot be listened at. */
export class ListenError extends Data.TaggedError("ListenError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** Which file it is, whatever its name. A socket that is in use keeps its inode, so no later file can be mistaken for it. */
export interface Identity {
  readonly dev: bigint
  readonly ino: bigint
}

type Stat = fs.BigIntStats

const identify = (path: string): Stat | undefined => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })

const isSame = (one: Identity, other: Identity | undefined): boolean => other?.dev === one.dev && other.ino === one.ino

/** A stale socket keeps nothing: its inode may belong to its successor by now, which was made later. */
const isUnchanged = (one: Stat, other: Stat | undefined): boolean =>
  isSame(one, other) && other?.ctimeNs === one.ctimeNs

/** What to say of a socket that has a living owner; `by` is empty or ` (pid 123)`. */
export const occupied = (path: string, by = ""): { readonly message: string; readonly hint: string } => ({
  message: `somebody listens at ${path} already${by}`,
  hint: "stop that program, or let this one listen at another path"
})

let count = 0

const nextName = (): string => `.${process.pid}.${count++}`

/**
 * Another name in the same directory, that nobody has, for a socket that is not ready to be found. It is as short as can be,
 * because it is bound by the same limit.
 */
export const temporaryName = (path: string): string => {
  for (;;) {
    const name = join(dirname(path), nextName())
    // left there by a process that was killed, or another machine's or container's with the same number
    if (identify(name) === undefined) return name
  }
}

/** Why no socket can be made at an absolute path, because of the path alone; a file name that is short costs a few bytes. */
export const pathProblem = (path: string): ListenError | undefined => {
  if (path.includes("\0")) return new ListenError({ message: "a socket's path cannot contain a NUL" })
  const bytes = Buffer.byteLength(path)
  const more = Math.max(0, nextName().length - Buffer.byteLength(basename(path)))
  if (bytes + more <= MAX_SOCKET_PATH) return undefined
  return new ListenError({
    message: `a socket's path has at most ${MAX_SOCKET_PATH - more} bytes here, this one has ${bytes}: ${path}`,
    hint: "choose a shorter path: the system sets this limit"
  })
}

const kindOf = (stat: Stat): string => {
  if (stat.isFile()) return "a regular file"
  if (stat.isDirectory()) return "a directory"
  if (stat.isSymbolicLink()) return "a symbolic link"
  return stat.isFIFO() ? "a FIFO" : "a device"
}

/**
 * Looks at what is there. Returns what is known of a stale socket, whose owner is gone, and `undefined` where there is
 * nothing; fails for a socket that somebody serves, and for anything that is no socket.
 */
export const probe = (path: string): Effect.Effect<Stat | undefined, ListenError> => {
  const unknown = (error: unknown) =>
    new ListenError({ message: `it cannot be told whether somebody listens at ${path}: ${reasonOf(error)}` })
  return Effect.try({ try: () => identify(path), catch: unknown }).pipe(Effect.flatMap((stat) => {
    if (stat === undefined) return Effect.succeed(stat)
    if (stat.isSocket()) return knock(path, stat, unknown)
    const message = `${path} is ${kindOf(stat)}, not a socket, and is left alone`
    const hint = "remove it if nothing needs it, or choose another path"
    return Effect.fail(new ListenError({ message, hint }))
  }))
}

const knock = (path: string, stat: Stat, unknown: (error: unknown) => ListenError) =>
  Effect.callback<Stat | undefined, ListenError>((resume) => {
    const socket = net.connect(path)
    socket.once("connect", () => {
      // not cut off in mid-greeting: that would be a line in the log of whoever it is
      socket.resume().end().unref()
      resume(Effect.fail(new ListenError(occupied(path))))
    })
    socket.once("error", (error) => {
      const code = codeOf(error)
      if (code === "ECONNREFUSED") return resume(Effect.succeed(stat))
      if (code === "ENOENT") return resume(Effect.succeed(undefined))
      // EAGAIN: its queue is full. EPROTOTYPE: it takes datagrams. Both have an owner.
      if (code === "EAGAIN" || code === "EPROTOTYPE") return resume(Effect.fail(new ListenError(occupied(path))))
      resume(Effect.fail(unknown(error)))
    })
  })

/**
 * Gives the socket at `temporary` its name, instead of the stale one that was found there. link(2) replaces nothing: who
 * has come there since `probe` stays, and a ListenError is thrown. Other errors are those of the system.
 */
export const publish = (temporary: string, path: string, stale: Stat | undefined): Identity => {
  const own = fs.lstatSync(temporary, { bigint: true })
  if (stale !== undefined && isUnchanged(stale, identify(path))) fs.unlinkSync(path)
  try {
    fs.linkSync(temporary, path)
  } catch (error) {
    throw codeOf(error) === "EEXIST" ? new ListenError(occupied(path)) : error
  }
  fs.unlinkSync(temporary)
  return own
}

/** Whether a path is a name of this file. */
export const isNamed = (own: Identity, path: string): boolean => {
  try {
    return isSame(own, identify(path))
  } catch {
    return false
  }
}

/** Removes the name, unless it belongs to another socket by now. */
export const withdraw = (path: string, own: Identity): void => {
  try {
    if (isNamed(own, path)) fs.unlinkSync(path)
  } catch {
    // a directory that is gone or not ours any more: there is nothing left to remove
  }
}
