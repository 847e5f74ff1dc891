// Who started a process, and who started that one, beyond its session. Nothing here is a proof: whoever gives a process up to
// the first one of the machine (a double fork) is not found any more.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { ownerOf, type Processes, processes } from "./process.ts"

/** Parents that are looked at; each costs some 10 us. */
export const MAX_PARENTS = 64

export interface Parent {
  readonly pid: number
  /** Absent where the system does not tell. */
  readonly exe?: string
  readonly uid?: number
  /** Whether it is of the same session as the process itself. */
  readonly sameSession: boolean
}

type From = Pick<Processes, "exe" | "stat"> & { readonly owner: (pid: number) => number | undefined }

/** The parents of a client, the nearest first; none where it has ended. */
export const parentsOf = (
  { pid, started }: Pick<ClientFacts, "pid" | "started">,
  from: From = { ...processes, owner: ownerOf }
): ReadonlyArray<Parent> => {
  const first = pid === undefined ? undefined : from.stat(pid)
  if (first === undefined || first.started !== started) return []
  const parents: Array<Parent> = []
  let child = first
  while (parents.length < MAX_PARENTS) {
    const parent = child.parent
    if (parent <= 0 || parent === pid || parents.some((known) => known.pid === parent)) break
    // in this order, as in chain.ts: where the pid has gone to another process meanwhile, that one is too young
    const [exe, uid] = [from.exe(parent), from.owner(parent)]
    const its = from.stat(parent)
    if (its === undefined || its.started > child.started) break
    parents.push({
      pid: parent,
      ...exe !== undefined && { exe },
      ...uid !== undefined && { uid },
      sameSession: its.session === first.session
    })
    child = its
  }
  return parents
}
