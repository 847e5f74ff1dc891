// Who a client of a transport is: sshd, qrexec or whoever started `gripgate connect` says so, and nothing that it could choose by
// itself. The process that brings it is no fact of the client, so no match for programs of this machine is for it.
import type { App, Policy } from "../policy.ts"
import { appIndex } from "./app-index.ts"
import type { ClientFacts } from "./facts.ts"
import { matches } from "./holds.ts"
import type { Doubt, Identity } from "./identify.ts"
import type { Match } from "./match.ts"

/**
 * The app that the transport names, if its match holds. The argument of a qrexec service is chosen in the other qube: there the match
 * has to name the qube. A client of qrexec that names none is the one app whose match has its qube and holds.
 */
export const throughTransport = (policy: Policy, facts: ClientFacts): Identity => {
  const { named } = facts
  if (named !== undefined) {
    const app = policy.apps.get(named)
    const fits = app !== undefined && whyNot(app, facts) === undefined
    return fits ? itIs(app) : nobody("transport", [named])
  }
  // every other transport names one
  if (facts.via !== "qrexec") return nobody("transport", [])
  const fitting = appIndex(policy).all.filter((app) => app.socket === undefined && whyNot(app, facts) === undefined)
  const [first, ...others] = fitting
  if (first === undefined) return { kind: "anyone" }
  return others.length === 0 ? itIs(first) : nobody("several", fitting.map(({ name }) => name))
}

const itIs = ({ match, name }: App): Identity => ({
  kind: "app",
  app: name,
  rank: "transport",
  by: match?.conditions ?? []
})

const nobody = (why: Doubt, apps: ReadonlyArray<string>): Identity => ({ kind: "nobody", why, apps: apps.toSorted() })

/** Why a client is not this app although nothing else of its match fails; `undefined` where it may be. */
const whyNot = ({ match }: App, facts: ClientFacts): string | undefined => {
  if (match !== undefined && !matches(match, facts)) return "its match does not hold"
  if (facts.via === "qrexec" && (match === undefined || !namesQube(match))) return "its match names no qube"
  return undefined
}

const namesQube = ({ conditions }: Match): boolean => conditions.some(({ fact }) => fact === "qube")

/** For people: the reason why a client of a transport is this app or is not, of which no condition fails. */
export const whyOfTransport = (app: App, facts: ClientFacts, found: Identity): string => {
  const why = whyNot(app, facts)
  if (why !== undefined) return why
  if (facts.named === app.name) return "its transport names it, and everything holds"
  if (app.socket !== undefined) return "it did not come through the socket of this app"
  return found.kind === "nobody"
    ? `everything holds (transport), but for others too: ${found.apps.join(", ")}`
    : "everything holds (transport)"
}
