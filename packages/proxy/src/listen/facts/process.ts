// What /proc shows of a process without the process having a say in how long that takes. Its border: no file here is backed by
// the process's memory or its own file systems, because it could make such a read never end, and the whole gate with it.
import * as fs from "node:fs"

/** The part of /proc/PID/stat that tells which process it is (proc_pid_stat(5)). */
export interface Stat {
  readonly parent: number
  readonly session: number
  /** In clock ticks since the machine was started: with the pid it names one process. */
  readonly started: number
}

/** Where the facts of processes come from. What cannot be read is `undefined`, as is a process that has ended. */
export interface Processes {
  /** As the process itself sees it: below its own root, and with its own mounts. */
  readonly exe: (pid: number) => string | undefined
  readonly cwd: (pid: number) => string | undefined
  readonly stat: (pid: number) => Stat | undefined
  /** The text of its file `cgroup`. */
  readonly cgroup: (pid: number) => string | undefined
  /** The process of a pidfd of ours; -1 when it has ended and nobody waits for it any more. */
  readonly pidOf: (pidfd: number) => number | undefined
}

/** One read is one whole file for all of them; what fills this is not the whole file, and not believed. */
const buffer = Buffer.allocUnsafeSlow(16 * 1024)

const NEWLINE = 10

/** The whole text, or `undefined` where the file cannot be read, or is not whole. */
const readWhole = (path: string): string | undefined => {
  let fd: number | undefined
  try {
    fd = fs.openSync(path, "r")
    const length = fs.readSync(fd, buffer, 0, buffer.length, 0)
    if (length === 0 || length === buffer.length || buffer[length - 1] !== NEWLINE) return undefined
    return buffer.toString("utf8", 0, length)
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** A file that was removed is not the one that has its path now. */
const DELETED = " (deleted)"

const readLink = (path: string): string | undefined => {
  try {
    const target = fs.readlinkSync(path)
    return target.startsWith("/") && !target.endsWith(DELETED) ? target : undefined
  } catch {
    return undefined
  }
}

/** `undefined` for a process that has ended and is only waited for: what is left of it says nothing of who speaks now. */
export const parseStat = (text: string): Stat | undefined => {
  // the name before it is the process's own choice, with any brackets and blanks
  const end = text.lastIndexOf(")")
  if (end < 0) return undefined
  const fields = text.slice(end + 2).split(" ", 20)
  const [state, parent, session, started] = [fields[0], Number(fields[1]), Number(fields[3]), Number(fields[19])]
  if (fields.length < 20 || state === "Z" || state === "X") return undefined
  return Number.isSafeInteger(parent + session + started) ? { parent, session, started } : undefined
}

/** What a process calls itself, at most 15 bytes. */
export const nameOf = (pid: number): string | undefined => readWhole(`/proc/${pid}/comm`)?.slice(0, -1)

/** The machine's processes. */
export const processes: Processes = {
  exe: (pid) => readLink(`/proc/${pid}/exe`),
  cwd: (pid) => readLink(`/proc/${pid}/cwd`),
  stat: (pid) => {
    const text = readWhole(`/proc/${pid}/stat`)
    return text === undefined ? undefined : parseStat(text)
  },
  cgroup: (pid) => readWhole(`/proc/${pid}/cgroup`),
  pidOf: (pidfd) => {
    const text = readWhole(`/proc/self/fdinfo/${pidfd}`)
    const pid = text === undefined ? undefined : /^Pid:\t(-?\d{1,10})$/m.exec(text)?.[1]
    return pid === undefined ? undefined : Number(pid)
  }
}
