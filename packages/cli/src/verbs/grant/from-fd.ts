// A passphrase over a file descriptor, as gpg's --passphrase-fd reads it: its first line, without the line feed, or all up to its end.
import { MAX_PASSPHRASE } from "@gripgate/proxy/grant/seal"
import { secretSlab } from "@gripgate/proxy/grant/token"
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"

const LF = 0x0a

/** Milliseconds between two looks at a descriptor that does not wait by itself. */
const LOOK = 20

/** Reads it into a slab that whoever has it wipes. It waits as long as the other end does. */
export const passphraseFrom = (fd: number): Effect.Effect<Buffer, Failure> =>
  Effect.gen(function*() {
    if (isOwn(fd)) return yield* failed(fd, "it is not open")
    // a byte at a time: what follows the line is somebody else's
    const slab = secretSlab(MAX_PASSPHRASE + 1)
    const wipe = Effect.sync(() => slab.fill(0))
    return yield* Effect.onError(readLine(fd, slab), () => wipe)
  })

const readLine = Effect.fnUntraced(function*(fd: number, slab: Buffer): Effect.fn.Return<Buffer, Failure> {
  for (let length = 0;;) {
    const count = readByte(fd, slab, length)
    if (typeof count === "string") return yield* failed(fd, count)
    if (count < 0) yield* Effect.sleep(LOOK)
    else if (count === 0 || slab[length] === LF) {
      return length === 0 ? yield* failed(fd, "there is no passphrase in its first line") : slab.subarray(0, length)
    } else if (++length > MAX_PASSPHRASE) return yield* failed(fd, `a passphrase has at most ${MAX_PASSPHRASE} bytes`)
  }
})

/** How many bytes came: none at the end, -1 where none is there yet; or what is wrong. */
const readByte = (fd: number, slab: Buffer, at: number): number | string => {
  try {
    return fs.readSync(fd, slab, at, 1, null)
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return -1
    return codeOf(error) === "EBADF" ? "it is not open" : reasonOf(error)
  }
}

const failed = (fd: number, what: string): Failure =>
  failure(exitCode.failed, `the passphrase cannot be read from the file descriptor ${fd}: ${what}`)

/**
 * Whether it is one that Node opened for itself: what stands behind it is nobody's passphrase, and to wait for one there would take
 * for ever. Node has event descriptors, and pipes to itself. Where there is no /proc that cannot be known.
 */
const isOwn = (fd: number): boolean => {
  const target = linkOf(fd)
  if (target === undefined) return false
  if (target.startsWith("anon_inode:")) return true
  return target.startsWith("pipe:")
    && descriptors().some((other) => other !== fd && linkOf(other) === target && writes(other))
}

const linkOf = (fd: number): string | undefined => {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

const descriptors = (): ReadonlyArray<number> => {
  try {
    return fs.readdirSync("/proc/self/fd").map(Number)
  } catch {
    return []
  }
}

/** Whether it is open for writing (proc(5), fdinfo: flags are octal, and their last two bits the access mode). */
const writes = (fd: number): boolean => {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "0"
    return (Number.parseInt(flags, 8) & 3) !== 0
  } catch {
    return false
  }
}
