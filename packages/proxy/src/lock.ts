// Locks on files: of two gates that start at the same moment one wins, and the other says who did. The kernel drops a lock
// together with the process that holds it, however that ends, so a file left behind by a crash locks nobody out.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { join, resolve } from "node:path"
import { makeFolder } from "./folder.ts"
import { type Log, LogService } from "./log.ts"
import { isNative, native } from "./native.ts"
import { reasonOf } from "./reason.ts"

/** A lock that cannot be had. */
export class LockError extends Data.TaggedError("LockError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** A lock as it is held: `release` drops it and removes its file, and is called once. */
export interface Lock {
  readonly release: () => void
}

export interface LockOptions {
  /** The file; it is made where it is missing, 0600, and holds the pid of whoever has the lock. */
  readonly file: string
  /** What to say where somebody else has it; `by` is ` (pid 123)`, or empty where that cannot be read. */
  readonly held: (by: string) => { readonly message: string; readonly hint: string }
}

/**
 * Takes a lock or fails at once. Where koffi cannot be loaded there are no locks: this succeeds, and the log says so.
 * The file lies where only the gate's own user can write, or anybody could hold the lock against it.
 */
export const takeLock = ({ file, held }: LockOptions, log: Log): Effect.Effect<Lock, LockError> =>
  Effect.try({
    try: () => {
      if (!isNative(log)) return { release: () => {} }
      let fd: number | undefined
      while (fd === undefined) fd = attempt(file, held)
      const mine = fd
      return {
        release: () => {
          // while it is still locked: whoever waits for it or opens it now sees that it is not the named file any more
          remove(mine, file)
          fs.closeSync(mine)
        }
      }
    },
    catch: (error) =>
      error instanceof LockError
        ? error
        : new LockError({ message: `the lock ${file} cannot be taken: ${reasonOf(error)}` })
  })

/** The locked descriptor; `undefined` where the file was removed by its last holder just as it was opened. */
const attempt = (file: string, held: LockOptions["held"]): number | undefined => {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = fs.constants
  const fd = fs.openSync(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
  try {
    const error = native.flock(fd, true, true)
    if (error === "EAGAIN") throw new LockError(held(readHolder(fd)))
    if (error !== undefined) throw new LockError({ message: `the lock ${file} cannot be taken: ${reasonOf(error)}` })
    if (!isSameFile(fd, file)) {
      fs.closeSync(fd)
      return undefined
    }
    writeHolder(fd)
    return fd
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}

const writeHolder = (fd: number): void => {
  fs.ftruncateSync(fd)
  try {
    fs.writeSync(fd, `${process.pid}\n`, 0)
  } catch {
    // a full disk: the lock holds without it
  }
}

/** The file says who holds the lock; one that has only just got it may not have written it yet. */
const readHolder = (fd: number): string => {
  const bytes = Buffer.alloc(16)
  const pid = /^(\d{1,10})\n/.exec(bytes.toString("latin1", 0, fs.readSync(fd, bytes, 0, bytes.length, 0)))?.[1]
  return pid === undefined ? "" : ` (pid ${pid})`
}

const remove = (fd: number, file: string): void => {
  try {
    if (isSameFile(fd, file)) fs.unlinkSync(file)
  } catch {
    // it can stay: a file that nobody has locked keeps nobody out
  }
}

const isSameFile = (fd: number, file: string): boolean => {
  const open = fs.fstatSync(fd, { bigint: true })
  const named = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false })
  return named !== undefined && named.dev === open.dev && named.ino === open.ino
}

/**
 * Makes the state directory where it is missing, 0700, and keeps it for this process as long as the scope lasts: one gate
 * for a state directory.
 */
export const lockState = Effect.fnUntraced(function*(
  dir: string
): Effect.fn.Return<void, LockError, Scope.Scope | LogService> {
  const log = yield* LogService
  const path = resolve(dir)
  yield* Effect.try({
    try: () => makeFolder(path),
    catch: (error) => new LockError({ message: `the state directory ${path} cannot be made: ${reasonOf(error)}` })
  })
  const held = (by: string) => ({
    message: `another gate${by} uses the state directory ${path}`,
    hint: "stop that one, or give this one a directory of its own with --state DIR"
  })
  yield* Effect.acquireRelease(takeLock({ file: join(path, "lock"), held }, log), (lock) => Effect.sync(lock.release))
})
