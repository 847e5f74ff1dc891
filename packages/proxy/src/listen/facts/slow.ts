// Facts that a process can make slow to read, because the kernel asks the process's own memory or file systems for them. They
// are read beside everything else, for a bounded time, and never two at once: a read that hangs holds a thread of Node's.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"

/** Milliseconds for one fact, the wait for others included. */
export const SLOW_LIMIT = 100

/** A read that did not end in time: the process may be hiding something. */
export const LATE: unique symbol = Symbol("late")

/** Lets one read run at a time; one that does not end in time keeps its turn until it does. */
export class OneAtATime {
  private busy = false
  private readonly waiting = new Set<() => void>()

  /** What was read; `undefined` where that failed, LATE where it did not end within SLOW_LIMIT. */
  read<A>(read: () => Promise<A>): Effect.Effect<A | undefined | typeof LATE> {
    const turn = Effect.callback<A | undefined>((resume) => {
      const start = (): void => {
        this.waiting.delete(start)
        this.busy = true
        read().then(
          (value) => resume(Effect.succeed(value)),
          () => resume(Effect.succeed(undefined))
        ).finally(() => this.next())
      }
      if (this.busy) this.waiting.add(start)
      else start()
      // who has waited too long waits no more; what has begun cannot be taken back
      return Effect.sync(() => void this.waiting.delete(start))
    })
    return Effect.map(Effect.timeoutOption(turn, SLOW_LIMIT), Option.getOrElse((): typeof LATE => LATE))
  }

  private next(): void {
    this.busy = false
    const [first] = this.waiting
    first?.()
  }
}

/** The turns for clients. The control socket has its own: see control/peer.ts. */
export const slow = new OneAtATime()

/** At most `limit` bytes of a regular file, and whether it has more. Links are not followed, and a FIFO is not waited for. */
const beginning = async (path: string, limit: number): Promise<{ readonly bytes: Buffer; readonly more: boolean }> => {
  const file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  try {
    if (!(await file.stat()).isFile()) throw new Error("expected a regular file")
    const bytes = Buffer.allocUnsafe(limit + 1)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return { bytes: bytes.subarray(0, Math.min(length, limit)), more: length > limit }
  } finally {
    await file.close()
  }
}

/** Bytes of a command line that are kept. */
const MAX_CMDLINE = 4096

/** /proc/PID/cmdline: what the process was started with, or what it has written there since; words with blanks between. */
export const readCmdline = async (pid: number, proc = "/proc"): Promise<string | undefined> => {
  const { bytes } = await beginning(`${proc}/${pid}/cmdline`, MAX_CMDLINE)
  const words = bytes.toString().replace(/\0+$/, "").replaceAll("\0", " ")
  return words === "" ? undefined : words
}

const MAX_FLATPAK_INFO = 64 * 1024

/**
 * The id of a Flatpak application, from the file that Flatpak puts at the root of each sandbox (flatpak-metadata(5)). Anybody
 * can put one at a root of his own.
 */
export const readFlatpak = async (pid: number, proc = "/proc"): Promise<string | undefined> => {
  const { bytes, more } = await beginning(`${proc}/${pid}/root/.flatpak-info`, MAX_FLATPAK_INFO)
  return more ? undefined : applicationIn(bytes.toString())
}

/** `name` of the group `[Application]`; `undefined` for what is no id of an application. */
export const applicationIn = (text: string): string | undefined => {
  let group = ""
  for (const line of text.split("\n")) {
    const header = /^\[([^[\]]*)\]\s*$/.exec(line)?.[1]
    if (header !== undefined) group = header
    const name = group === "Application" ? /^name\s*=\s*(.*?)\s*$/.exec(line)?.[1] : undefined
    if (name !== undefined) return isApplication(name) ? name : undefined
  }
  return undefined
}

// g_dbus_is_name's rule for ids of applications: at least two elements, at most 255 characters
const isApplication = (name: string): boolean =>
  name.length <= 255 && /^[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)+$/.test(name)

/** The lines of /proc/PID/status and the label that a process has now. */
export const readStatus = async (
  pid: number
): Promise<{ readonly status: string; readonly label: string | undefined }> => {
  const { bytes } = await beginning(`/proc/${pid}/status`, 64 * 1024)
  // without a security module there is no label to read
  const label = await beginning(`/proc/${pid}/attr/current`, 4096).then(
    (read) => read.bytes.toString().replace(/[\n\0]+$/, ""),
    () => ""
  )
  return { status: bytes.toString(), label: label === "" ? undefined : label }
}
