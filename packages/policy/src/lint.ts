// What is not wrong with a policy and still deserves a word: entries without effect, verdicts that nothing can satisfy
// yet, keys that nobody sees. Each finding is true of this version; none of them stops the gate.
import { type Operation, operations } from "@gripgate/protocol/operation"
import { followsSign, resolve, type Shared } from "./decide.ts"
import { type App, comparePlaces, type Entry, headerOf, type Place, type Policy } from "./policy.ts"
import { sees } from "./visible.ts"

/** A `warning` is about something that will not happen as it reads, a `note` about what could be said shorter. */
export interface Finding {
  readonly place?: Place
  readonly level: "warning" | "note"
  readonly message: string
  readonly hint?: string
}

/** Judges a policy that was read without problems. The findings come in the order of the file. */
export const lint = (policy: Policy): ReadonlyArray<Finding> => {
  const found = [...noDefault(policy), ...unsatisfied(policy), ...hiddenKeys(policy)]
  for (const [operation, entry] of policy.operations) found.push(...sharedEntry(policy, operation, entry))
  for (const client of clients(policy)) {
    for (const [operation, entry] of client.operations) found.push(...ownEntry(policy, client, operation, entry))
  }
  return found.toSorted((a, b) => comparePlaces(a.place, b.place))
}

const clients = (policy: Policy): ReadonlyArray<App> => [
  ...policy.apps.values(),
  ...(policy.anyone === undefined ? [] : [policy.anyone])
]

/** The app of a table, as questions name it. */
const idOf = (policy: Policy, client: App): string | undefined => client === policy.anyone ? undefined : client.name

const noDefault = (policy: Policy): ReadonlyArray<Finding> => {
  if (policy.file === undefined || policy.default.place !== undefined) return []
  const message = "the file has no default: what nothing names is allowed, as without a file"
  return [{ level: "warning", message, hint: "write default = \"allow\", \"ask\" or \"forbid\" as its first line" }]
}

// ask and token wait for approvers and grants.
const unsatisfied = (policy: Policy): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  const tables = [policy.operations, ...clients(policy).map((client) => client.operations)]
  for (const entry of [policy.default, ...tables.flatMap((table) => [...table.values()])]) {
    if (entry.verdict !== "ask" && entry.verdict !== "token") continue
    const lacking = entry.verdict === "ask" ? "put a question to the owner" : "check a token"
    found.push(about(entry, "warning", `${entry.text} is refused: this version of gripgate cannot ${lacking}`))
  }
  return found
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
  if (other !== undefined) return [sameWithout(entry, other)]
  if (operation !== "loopback" || entry.verdict === "forbid") return []
  if (loopbackServes.some((served) => resolve(own, policy, served).verdict !== "forbid")) return []
  return [about(entry, "note", `${entry.text} changes nothing: all that loopback could serve is forbidden`)]
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
  const followers = operation === "sign" ? operations.filter(followsSign) : []
  const same = [operation, ...followers].every((each) =>
    resolve(before.own, before.shared, each).verdict === resolve(after.own, after.shared, each).verdict
  )
  return same ? resolve(after.own, after.shared, operation) : undefined
}

const namesCard = ({ own, shared }: Levels): boolean => (own?.has("card") ?? false) || shared.operations.has("card")

const without = (entries: App["operations"], operation: Operation): App["operations"] => {
  const rest = new Map(entries)
  rest.delete(operation)
  return rest
}

const sameWithout = (entry: Entry, other: Entry): Finding =>
  about(entry, "note", `${entry.text} changes nothing: without it the verdict is the same (${other.text})`)

const about = ({ place }: Entry, level: Finding["level"], message: string): Finding =>
  place === undefined ? { level, message } : { place, level, message }
