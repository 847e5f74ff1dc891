// Entries without effect, verdicts that nothing can satisfy yet, keys that nobody sees, entries that contradict each other.
import { type Operation, operations } from "@gripgate/protocol/operation"
import { followsSign, isUnnamed, masters, resolve as resolveFor, type Shared, uses } from "../decide.ts"
import { type App, type Entries, type Entry, headerOf, type Policy } from "../policy.ts"
import { isStricter } from "../verdict.ts"
import { sees } from "../visible.ts"
import { about, clients, type Finding, idOf } from "./finding.ts"

/** What is odd about the entries of a policy. */
export const entryFindings = (policy: Policy): ReadonlyArray<Finding> => {
  const found = [...noDefault(policy), ...unsatisfied(policy), ...hiddenKeys(policy)]
  for (const [operation, entry] of policy.operations) found.push(...sharedEntry(policy, operation, entry))
  for (const client of clients(policy)) {
    for (const [operation, entry] of client.operations) found.push(...ownEntry(policy, client, operation, entry))
    for (const { operations: ofKeys } of client.with) {
      for (const [operation, entry] of ofKeys) found.push(...keyEntry(policy, client, ofKeys, operation, entry))
    }
  }
  return found
}

const resolve = (own: Entries | undefined, shared: Shared, operation: Operation): Entry =>
  resolveFor(undefined, own, shared, operation)

const noDefault = (policy: Policy): ReadonlyArray<Finding> => {
  if (policy.file === undefined || policy.default.place !== undefined) return []
  const message = "the file has no default: what nothing names is allowed, as without a file"
  return [{ level: "warning", message, hint: "write default = \"allow\", \"ask\" or \"forbid\" as its first line" }]
}

/** A token belongs to one app: what wants one of whoever is no app is never satisfied. */
const unsatisfied = (policy: Policy): ReadonlyArray<Finding> => {
  const hint = "write \"ask\" or \"forbid\" below [anyone], or name the app"
  const wanting = (table: Entries, why: string): ReadonlyArray<Finding> =>
    [...table.values()].filter(({ verdict }) => verdict === "token").map((entry) => ({
      ...about(entry, "warning", `${entry.text} ${why}`),
      hint
    }))
  const { anyone } = policy
  const own = anyone === undefined ? [] : [anyone.operations, ...anyone.with.map(({ operations }) => operations)]
  const shared = new Map([...policy.operations].filter(([operation]) => anyone?.operations.has(operation) !== true))
  return [
    ...wanting(shared, "is refused to whoever is no app: only an app can have a token"),
    ...own.flatMap((table) => wanting(table, "is refused: only an app can have a token"))
  ]
}

const hiddenKeys = (policy: Policy): ReadonlyArray<Finding> => {
  if (sees(policy, undefined) !== "none") return []
  const place = policy.anyone?.place ?? policy.default.place
  const at = place === undefined ? {} : { place }
  const hint = "[anyone] keys = [\"*\"] shows every key to whoever is no app"
  if ([...policy.apps.keys()].every((app) => sees(policy, app) === "none")) {
    return [{ ...at, level: "warning", message: "nobody sees a key: every use ends with \"No secret key\"", hint }]
  }
  // Written out, `keys = []` is meant.
  if (policy.anyone?.keysPlace !== undefined) return []
  const message = `whoever is no app sees no key under default = "${policy.default.verdict}"`
  return [{ ...at, level: "note", message, hint }]
}

/** Judged only for a key that the client names: without a visible one they come up for cards at most. */
const ofVisibleKeys: ReadonlySet<Operation> = new Set(["sign", "certify", "authenticate", "decrypt", "passwd"])

/** What can make the agent ask for a passphrase or a PIN. */
const loopbackServes = operations.filter((operation) =>
  !["list", "loopback", "cache", "delete", "trust", "store", "prompt", "admin"].includes(operation)
)

const ownEntry = (policy: Policy, client: App, operation: Operation, entry: Entry): ReadonlyArray<Finding> => {
  const id = idOf(policy, client)
  const own = client.operations
  const ofCards = resolve(own, policy, "card").verdict === "allow"
  if (ofVisibleKeys.has(operation) && !ofCards && sees(policy, id) === "none") {
    return [about(entry, "warning", `${entry.text} changes nothing: ${headerOf(id)} sees no key`)]
  }
  const other = superfluous(operation, { own, shared: policy }, { own: without(own, operation), shared: policy })
  if (other !== undefined && client.with.length === 0) return [sameWithout(entry, other)]
  const handsOut = contradiction(policy, operation, entry, (use) => resolve(own, policy, use))
  if (handsOut !== undefined) return [handsOut]
  if (operation !== "loopback" || entry.verdict === "forbid") return []
  if (loopbackServes.some((served) => resolve(own, policy, served).verdict !== "forbid")) return []
  return [about(entry, "note", `${entry.text} changes nothing: all that loopback could serve is forbidden`)]
}

/** An entry for one key: without effect where the app's own says the same. */
const keyEntry = (
  policy: Policy,
  client: App,
  ofKeys: Entries,
  operation: Operation,
  entry: Entry
): ReadonlyArray<Finding> => {
  const at = (entries: Entries, each: Operation): Entry => resolveFor(entries, client.operations, policy, each)
  const rest = without(ofKeys, operation)
  const followers = operation === "sign" ? operations.filter(followsSign) : []
  const same = [operation, ...followers].every((each) => sameEffect(at(ofKeys, each), at(rest, each)))
  if (same) return [sameWithout(entry, at(rest, operation))]
  const handsOut = contradiction(policy, operation, entry, (use) => at(ofKeys, use))
  return handsOut === undefined ? [] : [handsOut]
}

/** What hands out a key is allowed more easily than the use of it, which is then worth nothing. */
const contradiction = (
  policy: Policy,
  operation: Operation,
  entry: Entry,
  held: (use: Operation) => Entry
): Finding | undefined => {
  if (operation !== "export") return undefined
  const stricter = uses.map(held).find((use) => use !== policy.default && isStricter(use.verdict, entry.verdict))
  if (stricter === undefined) return undefined
  return about(entry, "warning", `${entry.text} contradicts ${stricter.text}: who may export a key may use it anywhere`)
}

const sharedEntry = (policy: Policy, operation: Operation, entry: Entry): ReadonlyArray<Finding> => {
  const shared = { default: policy.default, operations: without(policy.operations, operation) }
  // It must make no difference to any client, nor to one that has no entries at all.
  const other = superfluous(operation, { own: undefined, shared: policy }, { own: undefined, shared })
  const differs = clients(policy).some(({ operations: own }) =>
    superfluous(operation, { own, shared: policy }, { own, shared }) === undefined
  )
  if (other === undefined || differs) return []
  return [sameWithout(entry, other)]
}

interface Levels {
  readonly own: App["operations"] | undefined
  readonly shared: Shared
}

/** What holds in place of an entry that was left out, if that makes no difference to anything; else `undefined`. */
const superfluous = (operation: Operation, before: Levels, after: Levels): Entry | undefined => {
  // The card probes of gpg are answered by the gate under `ask`, unless an entry names card: naming it is an effect.
  if (operation === "card" && before.shared.default.verdict === "ask" && !namesCard(after)) return undefined
  // what masters a key is as strict as the use of it where nothing names it: to name it is an effect
  const left = resolve(after.own, after.shared, operation)
  if (masters.has(operation) && isUnnamed(left, after.shared)) {
    if (uses.some((use) => isStricter(resolve(after.own, after.shared, use).verdict, left.verdict))) return undefined
  }
  const followers = operation === "sign" ? operations.filter(followsSign) : []
  const same = [operation, ...followers].every((each) =>
    sameEffect(resolve(before.own, before.shared, each), resolve(after.own, after.shared, each))
  )
  return same ? left : undefined
}

const sameEffect = (one: Entry, other: Entry): boolean =>
  one.verdict === other.verdict && one.remember === other.remember && one.limit?.count === other.limit?.count
  && one.limit?.per === other.limit?.per

const namesCard = ({ own, shared }: Levels): boolean => (own?.has("card") ?? false) || shared.operations.has("card")

const without = (entries: App["operations"], operation: Operation): App["operations"] => {
  const rest = new Map(entries)
  rest.delete(operation)
  return rest
}

const sameWithout = (entry: Entry, other: Entry): Finding =>
  about(entry, "note", `${entry.text} changes nothing: without it the verdict is the same (${other.text})`)
