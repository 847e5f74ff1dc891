// Which keys exist for a client. One predicate serves the listing of keys and every use of one, so that what may not be
// used is not shown, and the other way round.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { type Policy, tableOf } from "./policy.ts"

const none: ReadonlySet<Keygrip> = new Set()

/**
 * The keys that a policy gives to an app, or to whoever is no app (`undefined`): all, none, or these. `[anyone]`
 * without `keys`, and a policy without `[anyone]`, show all under `default = "allow"` and none otherwise. An app that
 * the policy does not have sees none: its session outlived a reload.
 */
export const sees = (policy: Policy, app: string | undefined): "all" | "none" | ReadonlySet<Keygrip> => {
  const keys = keysOf(policy, app)
  return keys !== "all" && keys.size === 0 ? "none" : keys
}

/** Whether this key exists for an app, or for whoever is no app (`undefined`). One look-up, nothing allocated. */
export const visible = (policy: Policy, app: string | undefined, keygrip: Keygrip): boolean => {
  const keys = keysOf(policy, app)
  return keys === "all" || keys.has(keygrip)
}

const keysOf = (policy: Policy, app: string | undefined) => {
  const table = tableOf(policy, app)
  if (table !== undefined) return table.keys
  return app === undefined && policy.default.verdict === "allow" ? "all" : none
}
