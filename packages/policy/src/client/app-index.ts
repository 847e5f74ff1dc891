// Which apps a client could be, without trying all of them: a policy may have thousands, and every connection asks. Apps that
// name a user by number or a program by its whole path are found by it; the few others are tried each time.
import type { App, Policy } from "../policy.ts"
import type { ClientFacts } from "./facts.ts"
import { isGlob } from "./glob.ts"
import type { Match } from "./match.ts"

interface AppIndex {
  /** Every app with a match. */
  readonly all: ReadonlyArray<App>
  readonly candidates: (facts: ClientFacts) => ReadonlyArray<App>
}

const known = new WeakMap<Policy, AppIndex>()

/** The index of a policy, made at the first use. */
export const appIndex = (policy: Policy): AppIndex => {
  const there = known.get(policy)
  if (there !== undefined) return there
  const made = build(policy)
  known.set(policy, made)
  return made
}

const build = (policy: Policy): AppIndex => {
  const byExe = new Map<string, Array<App>>()
  const byUser = new Map<number, Array<App>>()
  const rest: Array<App> = []
  for (const app of policy.apps.values()) {
    if (app.match === undefined) continue
    const programs = wholePaths(app.match)
    const users = app.match.conditions.find(({ fact }) => fact === "user")?.numbers
    if (programs !== undefined) { for (const exe of programs) add(byExe, exe, app) }
    else if (users !== undefined) { for (const user of new Set(users)) add(byUser, user, app) }
    else rest.push(app)
  }
  return {
    all: [...policy.apps.values()].filter(({ match }) => match !== undefined),
    candidates: ({ exe, uid }) => {
      const ofExe = exe === undefined ? undefined : byExe.get(exe)
      const ofUser = uid === undefined ? undefined : byUser.get(uid)
      if (ofExe === undefined && ofUser === undefined) return rest
      return [...ofExe ?? [], ...ofUser ?? [], ...rest]
    }
  }
}

const wholePaths = ({ conditions }: Match): ReadonlySet<string> | undefined => {
  const exe = conditions.find(({ fact }) => fact === "exe")
  return exe === undefined || exe.values.some(isGlob) ? undefined : new Set(exe.values)
}

const add = <K>(map: Map<K, Array<App>>, key: K, app: App): void => {
  const there = map.get(key)
  if (there === undefined) map.set(key, [app])
  else there.push(app)
}
