// The same decision as decide.ts makes, with every entry that was considered and why it holds or does not: for
// `gripgate check` and for people. Off the path of a request.
import type { Operation } from "@gripgate/protocol/operation"
import { decide, followsSign, type Question } from "./decide.ts"
import { type Entry, headerOf, type Policy, tableOf } from "./policy.ts"
import { ruleFor } from "./rules.ts"
import type { Verdict } from "./verdict.ts"

/** The level an entry stands at; `rule` is built in. */
export type Where = "app" | "anyone" | "operations" | "default" | "rule"

/**
 * An entry that was looked at. `operation` is the one it speaks for: `sign`, where `certify` or `authenticate` follow
 * it.
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
  const candidates = inOrder(policy, question)
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

type Candidate = Pick<Considered, "entry" | "where" | "operation">

/** Every entry that could speak for the question, the most specific first. */
const inOrder = (policy: Policy, { app, operation }: Question): ReadonlyArray<Candidate> => {
  const found: Array<Candidate> = []
  const add = (where: Where, of: Operation, entry: Entry | undefined) => {
    if (entry !== undefined) found.push({ entry, where, operation: of })
  }
  for (const of of followsSign(operation) ? [operation, "sign" as const] : [operation]) {
    add(app === undefined ? "anyone" : "app", of, tableOf(policy, app)?.operations.get(of))
    add("operations", of, policy.operations.get(of))
  }
  add("rule", operation, ruleFor(policy.default, operation))
  add("default", operation, policy.default)
  return found
}

const barred = (policy: Policy, { app, operation }: Question, entry: Entry): Considered => {
  if (app !== undefined && !policy.apps.has(app)) {
    return { entry, where: "rule", operation, holds: true, why: `the policy has no ${headerOf(app)}` }
  }
  const where = entry.place === undefined ? "rule" : app === undefined ? "anyone" : "app"
  return { entry, where, operation, holds: true, why: "the key does not exist for this client" }
}

const whyItHolds = ({ operation, where }: Candidate, question: Question): string => {
  const whose = headerOf(question.app)
  if (operation !== question.operation) return `nothing names ${question.operation}, and it follows ${operation} then`
  switch (where) {
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
  if (found.where === "rule") return `does not speak for ${found.operation}: ${by.text}`
  if (candidate.where === "rule" || candidate.where === "default") return `only for what nothing names: ${by.text}`
  if (candidate.operation !== found.operation) return `${found.operation} is named itself: ${by.text}`
  return `less specific than ${by.text}`
}
