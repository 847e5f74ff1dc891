// Questions that nobody could be asked, and owners who could not answer.
import { type Entries, headerOf, type Policy } from "../policy.ts"
import { about, clients, type Finding } from "./finding.ts"

/** What is odd about asking the owner. `gateUid` is the user that the gate runs as. */
export const approveFindings = (policy: Policy, gateUid: number | undefined): ReadonlyArray<Finding> => [
  ...unheard(policy),
  ...unreachable(policy, gateUid),
  ...taken(policy, gateUid)
]

/** Entries that ask where there is nobody to ask. */
const unheard = (policy: Policy): ReadonlyArray<Finding> => {
  if (policy.approve.approvers.some((name) => name !== "notification")) return []
  const tables: ReadonlyArray<Entries> = [
    policy.operations,
    ...clients(policy).flatMap((client) => [client.operations, ...client.with.map(({ operations }) => operations)])
  ]
  return [policy.default, ...tables.flatMap((table) => [...table.values()])]
    .filter(({ verdict }) => verdict === "ask")
    .map((entry) => about(entry, "warning", `${entry.text} is refused: [approve] names nobody who could answer`))
}

/** Owners who are another user than the gate, and cannot reach its control socket. */
const unreachable = (
  { gate: { controlGroup, owners } }: Policy,
  gateUid: number | undefined
): ReadonlyArray<Finding> => {
  if (owners?.numbers === undefined || controlGroup !== undefined || gateUid === undefined) return []
  if (owners.numbers.every((uid) => uid === gateUid)) return []
  const message = "[gate] owners names another user than the gate's own, who cannot connect to its control socket"
  return [{ place: owners.place, level: "warning", message, hint: "control-group = \"GROUP\" lets a group connect" }]
}

/** Apps that every program of an owner is: `gripgate approve` of his would be refused as that app's. */
const taken = (policy: Policy, gateUid: number | undefined): ReadonlyArray<Finding> => {
  const owners = policy.gate.owners?.numbers ?? (gateUid === undefined ? [] : [gateUid])
  return [...policy.apps.values()].flatMap(({ match, name, socket }): ReadonlyArray<Finding> => {
    if (match === undefined || socket !== undefined) return []
    if (
      !match.conditions.every(({ fact, numbers }) => fact === "user" && numbers?.some((uid) => owners.includes(uid)))
    ) {
      return []
    }
    const message = `every program of an owner is ${headerOf(name)}, so that none of his can answer a question`
    return [{
      place: match.place,
      level: "warning",
      message,
      hint: "add a fact that tells the app from the owner's shell"
    }]
  })
}
