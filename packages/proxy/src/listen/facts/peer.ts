// What the kernel says of whoever connected, and what keeps a process from being mistaken for its successor. A process can pass
// its connection on; the kernel's facts are then still those of the process that connected.
import type * as net from "node:net"
import { peer } from "../../native.ts"
import type { Processes } from "./process.ts"

/**
 * `pidfd`: a descriptor of the very process that connected, to be closed. `gone`: that process has ended. `start`: the
 * kernel gives no descriptor (before Linux 6.5), and only a change while the facts are read is noticed.
 */
export type Guard = { readonly kind: "pidfd"; readonly pidfd: number } | { readonly kind: "gone" | "start" }

export interface Peer {
  readonly pid: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly groups: ReadonlyArray<number> | undefined
  readonly label: string | undefined
  readonly guard: Guard
}

const GONE: Guard = { kind: "gone" }
const START: Guard = { kind: "start" }

const UNKNOWN: Peer = {
  pid: undefined,
  uid: undefined,
  gid: undefined,
  groups: undefined,
  label: undefined,
  guard: GONE
}

/** The peer of an accepted connection. Its guard is to be let go with `release`, whatever happens. */
export const peerOf = (socket: net.Socket): Peer => {
  const fd = descriptorOf(socket)
  const credentials = fd === undefined ? undefined : peer.credentials(fd)
  if (fd === undefined || credentials === undefined) return UNKNOWN
  const { gid, pid, uid } = credentials
  return {
    pid,
    uid,
    gid,
    groups: peer.groups(fd),
    label: peer.label(fd),
    guard: pid === undefined ? GONE : guardOf(fd)
  }
}

// Node has no public name for it; a socket that is closed has none
const descriptorOf = (socket: net.Socket): number | undefined => {
  const fd = (socket as { readonly _handle?: { readonly fd?: unknown } | null })._handle?.fd
  return typeof fd === "number" && fd >= 0 ? fd : undefined
}

const guardOf = (fd: number): Guard => {
  const pidfd = peer.pidfd(fd)
  if (pidfd === undefined) return START
  return pidfd === "gone" ? GONE : { kind: "pidfd", pidfd }
}

/** Whether `pid` is still the process that connected; asked after everything has been read. */
export const holds = (guard: Guard, pid: number, started: number, from: Pick<Processes, "pidOf" | "stat">): boolean => {
  switch (guard.kind) {
    case "pidfd":
      return from.pidOf(guard.pidfd) === pid
    case "start":
      return from.stat(pid)?.started === started
    case "gone":
      return false
  }
}

export const release = (guard: Guard): void => {
  if (guard.kind === "pidfd") peer.closePidfd(guard.pidfd)
}
