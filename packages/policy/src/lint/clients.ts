// Apps that no client can be, that nothing tells apart, or that rest on what a client can imitate.
import { numberIn } from "../client/accounts.ts"
import { disjoint, isGlob } from "../client/glob.ts"
import { conditionText } from "../client/identify.ts"
import type { Condition, Match } from "../client/match.ts"
import { type App, headerOf, type Policy } from "../policy.ts"
import type { Finding } from "./finding.ts"

/** What the machine knows of programs. */
export interface Programs {
  /** What stands at a path: `undefined` for nothing. `target` is where a link leads, `script` is one with `#!`. */
  readonly look: (path: string) => { readonly target?: string; readonly script?: true } | undefined
}

/** What is odd about who is which app. `gateUid` is the user that the gate runs as. */
export const clientFindings = (
  policy: Policy,
  gateUid: number | undefined,
  programs: Programs | undefined
): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  const open: Array<App> = []
  for (const app of policy.apps.values()) {
    if (app.match === undefined) continue
    if (programs !== undefined) found.push(...unlikely(app.match, programs))
    if (app.socket !== undefined) continue
    found.push(...advisory(app, app.match, gateUid))
    open.push(app)
  }
  return [...found, ...ambiguous(open, gateUid)]
}

/** Facts that the kernel vouches for, whoever the client is. */
const certain: ReadonlySet<string> = new Set(["user", "group", "label"])
/** Facts that it vouches for where the client is another user. */
const ofOthers: ReadonlySet<string> = new Set(["unit", "cgroup", "container"])

/** The strength of a match as far as the file tells. */
const staticRank = ({ conditions }: Match, gateUid: number | undefined): "kernel" | "advisory" => {
  if (conditions.some(({ fact }) => certain.has(fact))) return "kernel"
  const user = conditions.find(({ fact }) => fact === "user")
  const another = user?.numbers !== undefined && user.numbers.every((uid) => uid !== gateUid && uid !== 0)
  return another && conditions.some(({ fact }) => ofOthers.has(fact)) ? "kernel" : "advisory"
}

/** What is said of a match that rests on advisory facts. */
export const IMITABLE = "rests on facts that a program of the same user can imitate"

const advisory = (app: App, match: Match, gateUid: number | undefined): ReadonlyArray<Finding> => {
  const user = match.conditions.find(({ fact }) => fact === "user")
  const onlyOwn = user !== undefined && gateUid !== undefined
    && (user.numbers ?? []).every((uid) => uid === gateUid)
  const group = match.conditions.some(({ fact }) => fact === "group" || fact === "label")
  if (staticRank(match, gateUid) === "kernel" && (group || !onlyOwn)) return []
  const facts = match.conditions.map(({ fact }) => fact).join(", ")
  const message = `${headerOf(app.name)} ${IMITABLE}: ${facts}`
  const hint = "give it a socket of its own, or a user of its own"
  return [{ place: match.place, level: "note", message, hint }]
}

const unlikely = (match: Match, programs: Programs): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  for (const condition of match.conditions) {
    if (!["exe", "program", "parent"].includes(condition.fact)) continue
    for (const value of condition.values) {
      if (isGlob(value)) continue
      const wrong = wrongWith(value, programs)
      if (wrong !== undefined) found.push({ place: condition.place, level: "warning", ...wrong })
    }
  }
  return found
}

const wrongWith = (path: string, programs: Programs): Pick<Finding, "message" | "hint"> | undefined => {
  const there = programs.look(path)
  if (there === undefined) return { message: `nobody can be this app now: there is no ${path}` }
  if (there.target !== undefined) {
    return {
      message: `nobody can be this app: ${path} is a link, and the kernel names the program that it leads to`,
      hint: `write ${JSON.stringify(there.target)}`
    }
  }
  if (there.script !== true) return undefined
  return {
    message: `nobody can be this app: ${path} is a script, and the kernel names the program that runs it`,
    hint: "a script has no identity of its own: give it a socket, or a user"
  }
}

const ambiguous = (apps: ReadonlyArray<App>, gateUid: number | undefined): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  for (const [i, app] of apps.entries()) {
    const rival = apps.slice(0, i).find((other) =>
      staticRank(other.match!, gateUid) === staticRank(app.match!, gateUid) && !tellsApart(other.match!, app.match!)
    )
    if (rival === undefined) continue
    const message = `a client can be both ${rival.name} (line ${rival.match!.place.line}) and ${app.name}, `
      + "and is refused everything then"
    const hint = "let the two differ in a fact that a client has once: user, exe, unit, or a socket of its own"
    found.push({ place: app.match!.place, level: "error", message, hint })
  }
  return found
}

/** Facts of which a client has one value. It has several groups, and several parents. */
const single = (fact: string): boolean => fact !== "group" && fact !== "parent"

/** Whether some fact can never hold for both. */
const tellsApart = (one: Match, other: Match): boolean =>
  one.conditions.some((condition) =>
    single(condition.fact) && other.conditions.some((its) => its.fact === condition.fact && differ(condition, its))
  )

const differ = (one: Condition, other: Condition): boolean => {
  if (one.fact === "user") {
    const numbers = idsOf(other)
    return idsOf(one).every((uid) => !numbers.includes(uid))
  }
  return one.values.every((value) => other.values.every((its) => disjoint(value, its)))
}

const idsOf = ({ numbers, values }: Condition): ReadonlyArray<number | undefined> => numbers ?? values.map(numberIn)

/** How a match reads, for those who list them. */
export const matchText = (match: Match): string => match.conditions.map(conditionText).join(", ")
