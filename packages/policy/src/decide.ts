// The decision: who asks, for which operation, with which key, in; a verdict and the one entry that gave it, out.
// This runs for every command, so it only looks up; what else was considered is told by explain.ts.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { type App, type Entries, type Entry, headerOf, type Policy, tableOf } from "./policy.ts"
import { ruleFor } from "./rules.ts"
import { isStricter, type Verdict } from "./verdict.ts"
import { visible } from "./visible.ts"

/** `app` is `undefined` for whoever is no app. Without `keygrip` only the operation is judged. */
export interface Question {
  readonly app: string | undefined
  readonly operation: Operation
  readonly keygrip?: Keygrip | undefined
  /** The app made this key or brought it in, so that it is visible although `keys` does not name it. */
  readonly own?: boolean | undefined
}

/** A verdict, and the entry that holds. */
export interface Held {
  readonly verdict: Verdict
  readonly entry: Entry
}

/**
 * What the policy says. The most specific entry holds: the app's for this key, the app's (or `[anyone]`'s), then
 * `[operations]`, then `default` with its built-in exceptions; stricter or more lenient does not matter.
 *
 * `certify` and `authenticate` follow `sign` where the policy does not name them. "Does not name" is meant for the
 * whole of what applies to this client: an entry for `certify` in `[operations]` holds although the app has one for
 * `sign`, because the policy names `certify` then. Only if no level names it, what `sign` resolves to holds.
 *
 * What hands out a key or the passphrase that opens it, changes it or destroys it, is at least as strict as every use
 * of that key, unless the policy names it: `sign = "token"` is worth nothing where `default = "allow"` lets the same app
 * export the key.
 *
 * With a keygrip that is not visible to the client the verdict is `forbid`, whatever the entries say: a caller that
 * asks `visible` first can answer "no secret key" instead, one that forgets to cannot let the key be used. An app that
 * the policy does not have (any more) may do nothing.
 */
export const decide = (policy: Policy, question: Question): Held => {
  const { app, keygrip, operation } = question
  const table = tableOf(policy, app)
  if (app !== undefined && table === undefined) return { verdict: "forbid", entry: unknownApp }
  if (keygrip === undefined) {
    const entry = resolve(undefined, table?.operations, policy, operation)
    // a key that is overwritten is not named: IMPORT_KEY --force
    const anyKey = operation === "delete" && isUnnamed(entry, policy)
    return held(anyKey ? strictestUse(entry, undefined, table, policy) : entry)
  }
  if (question.own !== true && !visible(policy, app, keygrip)) {
    return { verdict: "forbid", entry: hidden(policy, app) }
  }
  const ofKey = table?.byKey.get(keygrip)
  const entry = resolve(ofKey, table?.operations, policy, operation)
  return held(masters.has(operation) && isUnnamed(entry, policy) ? strictestUse(entry, ofKey, table, policy) : entry)
}

const held = (entry: Entry): Held => ({ verdict: entry.verdict, entry })

/** What `resolve` needs of a policy besides the client's own entries. */
export type Shared = Pick<Policy, "operations" | "default">

/** The entry that holds for an operation, given the client's entries for the key, its own, and those for everybody. */
export const resolve = (
  ofKey: Entries | undefined,
  own: Entries | undefined,
  shared: Shared,
  operation: Operation
): Entry =>
  ofKey?.get(operation) ?? own?.get(operation) ?? shared.operations.get(operation) ?? (
    followsSign(operation) ? resolve(ofKey, own, shared, "sign") : ruleFor(shared.default, operation) ?? shared.default
  )

/** Whether an operation is judged as `sign` where nothing names it. */
export const followsSign = (operation: Operation): boolean => operation === "certify" || operation === "authenticate"

/** The uses of a key. */
export const uses: ReadonlyArray<Operation> = ["sign", "certify", "authenticate", "decrypt"]

/** Operations that hand out a key or what opens it, or change or destroy it. */
export const masters: ReadonlySet<Operation> = new Set<Operation>(["export", "passwd", "cache", "store", "delete"])

/** Whether an entry is what holds for all that nothing names. */
export const isUnnamed = (entry: Entry, shared: Shared): boolean => entry === shared.default

const strictestUse = (
  entry: Entry,
  ofKey: Entries | undefined,
  table: App | undefined,
  policy: Policy
): Entry => {
  let found = entry
  for (const use of uses) {
    const other = resolve(ofKey, table?.operations, policy, use)
    if (isStricter(other.verdict, found.verdict)) found = other
  }
  return found
}

/**
 * Whether some entry names this very operation for a client, be it the app's own or one in `[operations]`. Following
 * `sign` is not being named. The card probes that gpg sends with each decryption depend on it.
 */
export const names = (policy: Policy, app: string | undefined, operation: Operation): boolean =>
  (tableOf(policy, app)?.operations.has(operation) ?? false) || policy.operations.has(operation)

const unknownApp: Entry = { verdict: "forbid", text: "an app that the policy does not have may do nothing" }

const hidden = (policy: Policy, app: string | undefined): Entry => {
  const place = tableOf(policy, app)?.keysPlace
  if (place !== undefined) return { verdict: "forbid", place, text: `${headerOf(app)} keys does not name this key` }
  return {
    verdict: "forbid",
    text: `${headerOf(app)} without keys sees none under default = "${policy.default.verdict}"`
  }
}
