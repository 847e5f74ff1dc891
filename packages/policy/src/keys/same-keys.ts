// Whether a policy that was resolved again gives the same keys as before, so that nobody need be told.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { App, Keys, Policy } from "../policy.ts"

/** Whether two resolutions of one policy are equal: `keys` and `byKey` of each of its clients. */
export const sameKeys = (a: Policy, b: Policy): boolean => {
  if (a.apps.size !== b.apps.size || !sameApp(a.anyone, b.anyone)) return false
  for (const [name, app] of a.apps) if (!sameApp(app, b.apps.get(name))) return false
  return true
}

const sameApp = (a: App | undefined, b: App | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && sameSet(a.keys, b.keys) && sameByKey(a.byKey, b.byKey))

const sameSet = (a: Keys, b: Keys): boolean =>
  a === b || (a !== "all" && b !== "all" && a.size === b.size && [...a].every((keygrip) => b.has(keygrip)))

const sameByKey = (a: App["byKey"], b: App["byKey"]): boolean => {
  const same = ([keygrip, entries]: readonly [Keygrip, unknown]) => b.get(keygrip) === entries
  return a.size === b.size && [...a].every(same)
}
