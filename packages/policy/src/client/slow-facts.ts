// Facts that a client can be slow to give up, so that they are read only where a rule in force wants them.
import type { Policy } from "../policy.ts"

/** A fact that is read only on demand. */
export type SlowFact = "cmdline" | "flatpak"

const none: ReadonlySet<SlowFact> = new Set()
const known = new WeakMap<Policy, ReadonlySet<SlowFact>>()

/** The slow facts that some app of the policy names. */
export const slowFacts = (policy: Policy): ReadonlySet<SlowFact> => {
  const there = known.get(policy)
  if (there !== undefined) return there
  const found = new Set<SlowFact>()
  for (const { match } of policy.apps.values()) {
    for (const { fact } of match?.conditions ?? []) {
      if (fact === "cmdline" || fact === "flatpak") found.add(fact)
    }
  }
  const wanted = found.size === 0 ? none : found
  known.set(policy, wanted)
  return wanted
}
