// Users and groups of a policy: names become numbers when the policy is loaded, and stay these numbers.
import type { Problem } from "../file/problem.ts"
import { quote } from "../file/problem.ts"
import type { App, Policy } from "../policy.ts"
import type { Condition } from "./match.ts"

/** Who is known to the system. `undefined` for whoever is not. */
export interface Accounts {
  readonly uid: (name: string) => number | undefined
  readonly gid: (name: string) => number | undefined
}

/** The policy with `numbers` in every condition on users and groups, or a problem for each name that nobody has. */
export const resolveAccounts = (
  policy: Policy,
  accounts: Accounts
): { readonly policy: Policy; readonly problems: ReadonlyArray<Problem> } => {
  const problems: Array<Problem> = []
  const resolved = (condition: Condition): Condition => {
    if (condition.fact !== "user" && condition.fact !== "group") return condition
    const look = condition.fact === "user" ? accounts.uid : accounts.gid
    const numbers: Array<number> = []
    for (const value of condition.values) {
      const number = numberIn(value) ?? look(value)
      if (number !== undefined) numbers.push(number)
      else problems.push(nobody(condition, value))
    }
    return { ...condition, numbers }
  }
  const apps = new Map<string, App>()
  for (const [name, app] of policy.apps) {
    const { match } = app
    apps.set(
      name,
      match === undefined ? app : { ...app, match: { ...match, conditions: match.conditions.map(resolved) } }
    )
    const group = app.socket?.group
    if (group !== undefined && numberIn(group) === undefined && accounts.gid(group) === undefined) {
      problems.push({ place: app.socket!.place, message: `there is no group ${quote(group)} on this machine` })
    }
  }
  const { controlGroup, owners } = policy.gate
  if (owners === undefined) return { policy: { ...policy, apps }, problems }
  const { names, place } = owners
  if (controlGroup !== undefined && numberIn(controlGroup) === undefined && accounts.gid(controlGroup) === undefined) {
    problems.push({ place, message: `there is no group ${quote(controlGroup)} on this machine` })
  }
  const numbers = names.flatMap((name) => {
    const uid = numberIn(name) ?? accounts.uid(name)
    if (uid === undefined) problems.push(nobody({ fact: "user", place }, name))
    return uid ?? []
  })
  return { policy: { ...policy, apps, gate: { ...policy.gate, owners: { ...owners, numbers } } }, problems }
}

/** A user or group by number. */
export const numberIn = (value: string): number | undefined => /^\d{1,10}$/.test(value) ? Number(value) : undefined

const nobody = (condition: Pick<Condition, "fact" | "place">, value: string): Problem => ({
  place: condition.place,
  message: `there is no ${condition.fact} ${quote(value)} on this machine`,
  hint: `${condition.fact}s go by name or by number`
})
