// Which processes hold the listening end of a socket, without connecting to it. Where it is systemd alone, to connect would start the
// service behind it, and the doctor starts nothing. Linux only; elsewhere nobody is found.
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { look } from "./files.ts"

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

const names = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** `__SO_ACCEPTCON` (Linux include/linux/net.h): the socket listens. */
const LISTENS = 0x10000

/** The inodes of the sockets that listen at this path (proc(5), /proc/net/unix). */
const inodesAt = (path: string): ReadonlySet<string> => {
  const found = new Set<string>()
  for (const line of Buffer.from(read("/proc/net/unix"), "latin1").toString("utf8").split("\n")) {
    const [, flags = "", inode, name] =
      /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ [0-9A-F]+ +(\d+) (.*)$/.exec(line) ?? []
    if (inode !== undefined && name === path && (Number.parseInt(flags, 16) & LISTENS) !== 0) found.add(inode)
  }
  return found
}

export interface Listener {
  readonly pid: number
  readonly name: string
}

const holds = (pid: string, fds: ReadonlyArray<string>, inodes: ReadonlySet<string>): boolean =>
  fds.some((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
      return inode !== undefined && inodes.has(inode)
    } catch {
      return false
    }
  })

/** The programs that take their socket from systemd. */
const isServer = (cmdline: string): boolean =>
  /^[^\0]*gpg-agent\0/.test(cmdline) || /gripgate[^\0]*\0(?:[^\0]*\0)*?serve\0/.test(cmdline)

/** An agent or a gate keeps what it has open from all but root, and not that it is there. */
const mayHold = (pid: string, uid: number | undefined): boolean =>
  Number(/^Uid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]) === uid && isServer(read(`/proc/${pid}/cmdline`))

const scan = (path: string): { readonly listeners: ReadonlyArray<Listener>; readonly hidden: boolean } => {
  const inodes = inodesAt(path)
  const uid = look(path)?.uid
  const listeners: Array<Listener> = []
  let hidden = false
  for (const pid of inodes.size === 0 ? [] : names("/proc").filter((name) => /^\d+$/.test(name))) {
    const fds = names(`/proc/${pid}/fd`)
    if (holds(pid, fds, inodes)) listeners.push({ pid: Number(pid), name: read(`/proc/${pid}/comm`).trim() })
    if (fds.length === 0 && mayHold(pid, uid)) hidden = true
  }
  return { listeners, hidden }
}

/** Those that this user is shown. */
export const listenersAt = (path: string): ReadonlyArray<Listener> => scan(path).listeners

/** `systemd` or the like, where nobody else holds the socket, nor may have been handed it unseen. */
export const activatedBy = (path: string): string | undefined => {
  const { hidden, listeners } = scan(path)
  return !hidden && listeners.every(({ name }) => name.startsWith("systemd")) ? listeners[0]?.name : undefined
}
