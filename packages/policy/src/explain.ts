// The same decision as decide.ts makes, with every entry that was considered and why it holds or does not: for
// `gripgate check` and for people. Off the path of a request.
import type { Operation } from "@gripgate/protocol/operation"
import { decide, followsSign, isUnnamed, masters, type Question, resolve, uses } from "./decide.ts"
import { type Entry, headerOf, type Policy, tableOf } from "./policy.ts"
import { ruleFor } from "./rules.ts"
import { isStricter, type Verdict } from "./verdict.ts"
import { visible } from "./visible.ts"

/** The level an entry stands at; `key` is an app's entry for this key, `rule` is built in. */
export type Where = "key" | "app" | "anyone" | "operations" | "default" | "rule"

/**
 * An entry that was looked at. `operation` is the one it speaks for: `sign`, where `certify` or `authenticate` follow
 * it, or a use of the key, where handing it out must be as strict.
 */
export interface Considered {
  readonly entry: Entry
  readonly where: Where
  readonly operation: Operation
  readonly holds: boolean
  readonly why: string
}

/** A verdict, the entry that gave it, and all that were considered, the most specific first; exactly one holds. */
export interface Decision {
  readonly verdict: Verdict
  readonly by: Entry
  readonly considered: ReadonlyArray<Considered>
}

/** The decision of `decide` for the same question, explained. */
export const explain = (policy: Policy, question: Question): Decision => {
  const { entry: by, verdict } = decide(policy, question)
  const levels = inOrder(policy, question)
  const reached = question.own === true || question.keygrip === undefined
    || visible(policy, question.app, question.keygrip)
  const ofUses = reached ? usesOf(policy, question) : []
  // the one that holds comes first
  const candidates = ofUses.some(({ entry }) => entry === by) ? [...ofUses, ...levels] : [...levels, ...ofUses]
  const found = candidates.find((candidate) => candidate.entry === by)
  // What no candidate gave came from before the entries: the app is unknown, or the key hidden.
  const before: Array<Considered> = found === undefined ? [barred(policy, question, by)] : []
  const considered = candidates.map((candidate): Considered => ({
    ...candidate,
    holds: candidate === found,
    why: candidate === found ? whyItHolds(candidate, question) : whyNot(candidate, found, by)
  }))
  return { verdict, by, considered: [...before, ...considered] }
}

interface Candidate extends Pick<Considered, "entry" | "where" | "operation"> {
  /** It speaks for a use of the key, and this operation masters the key. */
  readonly ofUse?: true
}

/** Every entry that could speak for the question, the most specific first. */
const inOrder = (policy: Policy, question: Question): ReadonlyArray<Candidate> => {
  const { app, keygrip, operation } = question
  const found: Array<Candidate> = []
  const add = (where: Where, of: Operation, entry: Entry | undefined) => {
    if (entry !== undefined) found.push({ entry, where, operation: of })
  }
  const table = tableOf(policy, app)
  const ofKey = keygrip === undefined ? undefined : table?.byKey.get(keygrip)
  for (const of of followsSign(operation) ? [operation, "sign" as const] : [operation]) {
    add("key", of, ofKey?.get(of))
    add(app === undefined ? "anyone" : "app", of, table?.operations.get(of))
    add("operations", of, policy.operations.get(of))
  }
  add("rule", operation, ruleFor(policy.default, operation))
  add("default", operation, policy.default)
  return found
}

/** The entries for the uses of a key, the strictest first, where nothing names an operation that masters the key. */
const usesOf = (policy: Policy, { app, keygrip, operation }: Question): ReadonlyArray<Candidate> => {
  if (!masters.has(operation) || (keygrip === undefined && operation !== "delete")) return []
  const table = tableOf(policy, app)
  const ofKey = keygrip === undefined ? undefined : table?.byKey.get(keygrip)
  if (!isUnnamed(resolve(ofKey, table?.operations, policy, operation), policy)) return []
  const found = new Map<Entry, Candidate>()
  for (const use of uses) {
    const entry = resolve(ofKey, table?.operations, policy, use)
    if (isUnnamed(entry, policy) || found.has(entry)) continue
    const where = ofKey?.get(use) === entry || ofKey?.get("sign") === entry
      ? "key"
      : policy.operations.get(use) === entry || policy.operations.get("sign") === entry
      ? "operations"
      : app === undefined
      ? "anyone"
      : "app"
    found.set(entry, { entry, where, operation: use, ofUse: true })
  }
  return [...found.values()].toSorted((a, b) =>
    Number(isStricter(b.entry.verdict, a.entry.verdict)) - Number(isStricter(a.entry.verdict, b.entry.verdict))
  )
}

const barred = (policy: Policy, { app, operation }: Question, entry: Entry): Considered => {
  if (app !== undefined && !policy.apps.has(app)) {
    return { entry, where: "rule", operation, holds: true, why: `the policy has no ${headerOf(app)}` }
  }
  const where = entry.place === undefined ? "rule" : app === undefined ? "anyone" : "app"
  return { entry, where, operation, holds: true, why: "the key does not exist for this client" }
}

const whyItHolds = ({ ofUse, operation, where }: Candidate, question: Question): string => {
  const whose = headerOf(question.app)
  if (ofUse) {
    return `nothing names ${question.operation}, and what masters a key is as strict as the use of it (${operation})`
  }
  if (operation !== question.operation) return `nothing names ${question.operation}, and it follows ${operation} then`
  switch (where) {
    case "key":
      return `${whose} names ${operation} for this very key, and nothing is more specific`
    case "app":
    case "anyone":
      return `${whose} names ${operation}, and nothing is more specific`
    case "operations":
      return `${whose} does not name ${operation}`
    case "rule":
      return `nothing names ${operation}, and it is an exception from the default`
    case "default":
      return `nothing names ${operation}`
  }
}

const whyNot = (candidate: Candidate, found: Candidate | undefined, by: Entry): string => {
  if (found === undefined) return "not reached: no entry can give what was refused before"
  if (candidate.ofUse) return found.ofUse ? `less strict than ${by.text}` : `no stricter than ${by.text}`
  if (found.ofUse) return `less strict than the use of the key: ${by.text}`
  if (found.where === "rule") return `does not speak for ${found.operation}: ${by.text}`
  if (candidate.where === "rule" || candidate.where === "default") return `only for what nothing names: ${by.text}`
  if (candidate.operation !== found.operation) return `${found.operation} is named itself: ${by.text}`
  return `less specific than ${by.text}`
}
