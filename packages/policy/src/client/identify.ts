// Who a client is: its facts in, at most one app out. A socket of its own makes an app without doubt; among the others what
// the kernel vouches for comes before what a client can imitate. Where that leaves a doubt, the client is nobody: whoever is no
// app may be allowed more than the app that it is.
import { type App, headerOf, type Policy } from "../policy.ts"
import { appIndex } from "./app-index.ts"
import type { ClientFacts, Strength } from "./facts.ts"
import { holdsFor, matches } from "./holds.ts"
import type { Condition, Match } from "./match.ts"
import { strengthOf } from "./strength.ts"
import { throughTransport, whyOfTransport } from "./transport.ts"

/** What the gate itself knows beside the client's facts. */
export interface Surroundings {
  /** The user that the gate runs as: its processes can imitate each other. */
  readonly gateUid: number | undefined
  /** The app that owns the socket which the client came through. */
  readonly owner: string | undefined
  /** Apps that own a socket of this gate: whoever comes through another is none of them. */
  readonly owners: ReadonlySet<string>
}

/** How sure it is. */
export type Rank = "socket" | Strength

/** Who a client is. */
export type Identity =
  | { readonly kind: "app"; readonly app: string; readonly rank: Rank; readonly by: ReadonlyArray<Condition> }
  /** It is no app. */
  | { readonly kind: "anyone" }
  /** It may do nothing, because it cannot be told which of these apps it is, or whether. */
  | { readonly kind: "nobody"; readonly apps: ReadonlyArray<string>; readonly why: Doubt }

/**
 * `several`: more than one app fits. `socket`: it came through the socket of an app and does not fit its match. `transport`: the
 * same with the app that its transport names. `unread`: it hides, or took with it, facts that would tell.
 */
export type Doubt = "several" | "socket" | "transport" | "unread"

const ANYONE: Identity = { kind: "anyone" }

/** The identity of a client. An app that the policy does not have any more keeps its socket, and may do nothing. */
export const identify = (policy: Policy, facts: ClientFacts, around: Surroundings): Identity => {
  if (facts.via !== undefined) return throughTransport(policy, facts)
  if (around.owner !== undefined) return throughOwnSocket(policy, facts, around.owner)
  let best: App | undefined
  let rank: ReturnType<typeof rankOf> | undefined
  let rivals: Array<App> | undefined
  const { unread = [] } = facts
  const possible: Array<App> = []
  for (const app of unread.length === 0 ? appIndex(policy).candidates(facts) : appIndex(policy).all) {
    if (around.owners.has(app.name) || app.socket !== undefined) continue
    if (!matches(app.match!, facts)) {
      if (unread.length > 0 && couldMatch(app.match!, facts)) possible.push(app)
      continue
    }
    const its = rankOf(app.match!, facts, around.gateUid)
    if (best === undefined || (rank === "advisory" && its === "kernel")) {
      best = app
      rank = its
      rivals = undefined
    } else if (its === rank) (rivals ??= [best]).push(app)
  }
  const doubtful = possible.filter((app) => rank !== "kernel" || rankOf(app.match!, facts, around.gateUid) === "kernel")
  if (doubtful.length > 0) return nobody("unread", doubtful)
  if (rivals !== undefined) return nobody("several", rivals)
  return best === undefined ? ANYONE : { kind: "app", app: best.name, rank: rank!, by: best.match!.conditions }
}

const nobody = (why: Doubt, apps: ReadonlyArray<App>): Identity => ({
  kind: "nobody",
  why,
  apps: apps.map(({ name }) => name).toSorted()
})

// The socket says who it may be; a match beside it has to hold too.
const throughOwnSocket = (policy: Policy, facts: ClientFacts, owner: string): Identity => {
  const app = policy.apps.get(owner)
  if (app?.match !== undefined && !matches(app.match, facts)) return nobody("socket", [app])
  return { kind: "app", app: owner, rank: "socket", by: app?.match?.conditions ?? [] }
}

/** Whether every condition holds, or is about a fact that could not be read. */
const couldMatch = (match: Match, facts: ClientFacts): boolean =>
  match.conditions.every((condition) => holdsFor(condition, facts) || facts.unread?.includes(condition.fact) === true)

/** A match is as strong as the strongest of its facts: the others only make it narrower. */
export const rankOf = (match: Match, facts: ClientFacts, gateUid: number | undefined): Exclude<Strength, "transport"> =>
  match.conditions.some(({ fact }) => strengthOf(fact, facts, gateUid) === "kernel") ? "kernel" : "advisory"

/** One app as a candidate for a client, explained. */
export interface Candidate {
  readonly app: string
  readonly holds: boolean
  readonly why: string
}

/** Every app, and why the client is it or is not; in the order of the file. For people: it looks at all of them. */
export const candidates = (policy: Policy, facts: ClientFacts, around: Surroundings): ReadonlyArray<Candidate> => {
  const found = identify(policy, facts, around)
  return [...policy.apps.values()].map((app) => ({
    app: app.name,
    holds: found.kind === "app" && found.app === app.name,
    why: whyOf(app, facts, around, found)
  }))
}

const whyOf = (app: App, facts: ClientFacts, around: Surroundings, found: Identity): string => {
  if (facts.named !== undefined && facts.named !== app.name) return `the transport names ${facts.named}`
  if (around.owner !== undefined && around.owner !== app.name) return `the socket is that of ${around.owner}`
  const failed = app.match?.conditions.find((condition) => !holdsFor(condition, facts))
  if (failed !== undefined) {
    const isUnread = facts.unread?.includes(failed.fact) === true
    return `${conditionText(failed)} ${isUnread ? "cannot be told" : "does not hold"}`
  }
  if (facts.via !== undefined) return whyOfTransport(app, facts, found)
  if (around.owner === app.name) return "it came through the socket of this app"
  if (app.socket !== undefined || around.owners.has(app.name)) return "it did not come through the socket of this app"
  if (app.match === undefined) return `${headerOf(app.name)} has no match`
  const rank = rankOf(app.match, facts, around.gateUid)
  if (found.kind === "nobody") return `everything holds (${rank}), but for others too: ${found.apps.join(", ")}`
  if (found.kind === "app" && found.app === app.name) return `everything holds (${rank})`
  return `everything holds (${rank}), but another app has a stronger claim`
}

/** A condition as the file has it. */
export const conditionText = ({ fact, values }: Condition): string => {
  const words = values.map((value) => JSON.stringify(value))
  return `${fact} = ${words.length === 1 ? words[0] : `[${words.join(", ")}]`}`
}
