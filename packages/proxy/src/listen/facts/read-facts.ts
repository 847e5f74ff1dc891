// The facts of a client, as they are when it connects: what the kernel says of the connection's other end, then what /proc shows
// of that process, and then whether it was that process all the time.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { type FactName, factNames, transportFacts } from "@gripgate/policy/client/match"
import type { SlowFact } from "@gripgate/policy/client/slow-facts"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import type * as net from "node:net"
import { nativeProblem, peer } from "../../native.ts"
import { parseCgroup, snapOfLabel } from "./cgroup.ts"
import { chainOf, programOf } from "./chain.ts"
import { holds, type Peer, peerOf, release } from "./peer.ts"
import { type Processes, processes } from "./process.ts"
import { LATE, type OneAtATime, readCmdline, readFlatpak, readStatus, slow } from "./slow.ts"

type Draft = { -readonly [K in keyof ClientFacts]: ClientFacts[K] }

/** The facts of whoever is at the other end of a connection to the socket at `path`: some 20 us, and 5 us for each parent. */
export const readFacts = (socket: net.Socket, path: string): ClientFacts => {
  const found = peerOf(socket)
  try {
    return factsOfPeer(found, path, processes)
  } finally {
    release(found.guard)
  }
}

/** The same, of a peer that is known, from any processes. What came from them is dropped unless the guard holds. */
export const factsOfPeer = (found: Peer, path: string, from: Processes): ClientFacts => {
  const kernel: Draft = { socket: path, chain: [] }
  if (found.pid !== undefined) kernel.pid = found.pid
  if (found.uid !== undefined) kernel.uid = found.uid
  if (found.gid !== undefined) kernel.gid = found.gid
  if (found.groups !== undefined) kernel.groups = found.groups
  if (found.label !== undefined) kernel.label = found.label
  const snap = snapOfLabel(found.label)
  if (typeof snap === "object") kernel.snap = snap.snap
  const unread = found.uid === undefined ? [...kernelFacts, ...processFacts] : processFacts
  if (found.pid === undefined || found.guard.kind === "gone") return { ...kernel, unread }
  const all = withProcess(kernel, found.pid, from)
  return all.started !== undefined && holds(found.guard, found.pid, all.started, from) ? all : { ...kernel, unread }
}

const kernelFacts: ReadonlyArray<FactName> = ["user", "group", "label"]

/** Facts that are gone with the process. */
const processFacts: ReadonlyArray<FactName> = factNames.filter((fact) =>
  !kernelFacts.includes(fact) && !transportFacts.has(fact)
)

const cgroupFacts: ReadonlyArray<FactName> = ["unit", "user-unit", "cgroup", "container", "snap"]

const withProcess = (kernel: ClientFacts, pid: number, from: Processes): ClientFacts => {
  const stat = from.stat(pid)
  if (stat === undefined) return kernel
  const facts: Draft = { ...kernel, started: stat.started }
  const exe = from.exe(pid)
  if (exe !== undefined) facts.exe = exe
  const cwd = from.cwd(pid)
  if (cwd !== undefined) facts.cwd = cwd
  const lines = from.cgroup(pid)
  const { snap, ...cgroup } = parseCgroup(lines ?? "")
  Object.assign(facts, cgroup)
  // where AppArmor speaks, the name of a cgroup says nothing more
  if (snap !== undefined && snapOfLabel(kernel.label) === undefined) facts.snap = snap
  Object.assign(facts, chainOf(pid, exe, stat, from))
  const program = programOf(facts.chain)
  if (program !== undefined) facts.program = program
  // a process can keep others from looking, and a program that was replaced is none that a rule can name
  const unread: ReadonlyArray<FactName> = [
    ...(exe === undefined ? ["exe" as const] : []),
    ...(cwd === undefined ? ["cwd" as const] : []),
    ...(lines === undefined ? cgroupFacts : []),
    ...(facts.chain.some((each) => each.exe === undefined) ? ["program" as const, "parent" as const] : [])
  ]
  return unread.length === 0 ? facts : { ...facts, unread }
}

/**
 * The facts with these too, for the process that they were read of. One that it does not show is absent; one that it is too
 * slow to show (SLOW_LIMIT for each), or took with it, is unread. `turns` are those of the door it came through: who hangs
 * them at one is unread at that one only.
 */
export const readSlow = Effect.fnUntraced(function*(
  facts: ClientFacts,
  which: ReadonlySet<SlowFact>,
  turns: OneAtATime = slow
) {
  const { pid, started } = facts
  const more: Draft = { ...facts }
  for (const fact of which) delete more[fact]
  const others = facts.unread?.filter((fact) => !which.has(fact as SlowFact)) ?? []
  delete more.unread
  const withUnread = (late: ReadonlyArray<FactName>): ClientFacts => {
    const unread = [...others, ...late]
    return unread.length === 0 ? more : { ...more, unread }
  }
  if (pid === undefined || started === undefined) return withUnread([...which])
  const cmdline = which.has("cmdline") ? yield* turns.read(() => readCmdline(pid)) : undefined
  const flatpak = which.has("flatpak") ? yield* turns.read(() => readFlatpak(pid)) : undefined
  if (processes.stat(pid)?.started !== started) return withUnread([...which])
  const late: Array<FactName> = []
  if (cmdline === LATE) late.push("cmdline")
  else if (cmdline !== undefined) more.cmdline = cmdline
  if (flatpak === LATE) late.push("flatpak")
  else if (flatpak !== undefined) more.flatpak = flatpak
  return withUnread(late)
})

/** The facts of a process as if it connected now to the socket at `path`; `undefined` where there is no such process. */
export const factsOfPid = Effect.fnUntraced(function*(pid: number, path: string) {
  const started = processes.stat(pid)?.started
  const read = yield* slow.read(() => readStatus(pid))
  if (started === undefined || read === undefined || read === LATE) return undefined
  const numbers = (name: string): ReadonlyArray<number> =>
    (new RegExp(`^${name}:([\\t 0-9]*)$`, "m").exec(read.status)?.[1] ?? "").split(/\s+/).filter(Boolean).map(Number)
  // the second one is the effective, as in SO_PEERCRED
  const [uid, gid, groups] = [numbers("Uid")[1], numbers("Gid")[1], numbers("Groups")]
  const facts = factsOfPeer({ pid, uid, gid, groups, label: read.label, guard: { kind: "start" } }, path, processes)
  return facts.started === started ? facts : undefined
})

/** What cannot be known of clients on this machine, for one line in the log; `undefined` where all can. */
export const factsAvailable = (): string | undefined => {
  const koffi = nativeProblem()
  if (koffi !== undefined) {
    return `koffi cannot be loaded, so of clients nothing is known but the socket they come through: ${koffi}`
  }
  if (process.platform !== "linux") return "of clients nothing is known here but the socket they come through"
  if (processes.stat(process.pid) === undefined) {
    return "/proc cannot be read, so of clients nothing is known but user, groups and label"
  }
  const missing: Array<string> = []
  if (!peer.hasPidfd()) {
    missing.push("this kernel (before Linux 6.5) cannot tell a client's process from a later one with its pid")
  }
  if (!fs.existsSync("/proc/1/stat")) missing.push("/proc hides the processes of other users (hidepid)")
  return missing.length === 0 ? undefined : missing.join("; ")
}
