// Who started a process, and who started that one, beyond its session. Nothing here is a proof: whoever gives a process up to
// the first one of the machine (a double fork) is not found any more.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { type Processes, processes } from "./process.ts"

/** Parents that are looked at; each costs some 10 us. */
export const MAX_PARENTS = 64

export interface Parent {
  readonly pid: number
  /** Absent where the system does not tell. */
  readonly exe?: string
}

type From = Pick<Processes, "exe" | "stat">

/** The parents of a client, the nearest first; none where it has ended. */
export const parentsOf = (
  { pid, started }: Pick<ClientFacts, "pid" | "started">,
  from: From = processes
): ReadonlyArray<Parent> => {
  const first = pid === undefined ? undefined : from.stat(pid)
  if (first === undefined || first.started !== started) return []
  const parents: Array<Parent> = []
  let child = first
  while (parents.length < MAX_PARENTS) {
    const parent = child.parent
    if (parent <= 0 || parent === pid || parents.some((known) => known.pid === parent)) break
    // in this order, as in chain.ts: where the pid has gone to another process meanwhile, that one is too young
    const exe = from.exe(parent)
    const its = from.stat(parent)
    if (its === undefined || its.started > child.started) break
    parents.push({ pid: parent, ...exe !== undefined && { exe } })
    child = its
  }
  return parents
}
