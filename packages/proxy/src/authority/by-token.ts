// What the tokens of a session mean for a use: which of its needs they cover, and how its passphrase then gets to the agent.
import { decide, followsSign, uses } from "@gripgate/policy/decide"
import type { Policy } from "@gripgate/policy/policy"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { AcceptedToken } from "../grant/accepted.ts"
import { definitionOf } from "../grant/definition.ts"
import type { TokenStore } from "../grant/token-store.ts"
import type { KeyDirectory } from "../keys/key-directory.ts"
import type { TokenUse, Use } from "./authority.ts"
import type { Judged, Need } from "./judge.ts"

export interface Coverage {
  /** The tokens that the use rests on, each once; none where no token says anything to it. */
  readonly by: ReadonlyArray<AcceptedToken>
  /** What needs a token, and no token covers. */
  readonly missing: ReadonlyArray<Need>
  /** What needs the owner's yes still. */
  readonly asks: ReadonlyArray<Need>
  /** Why a token that is there does not cover what is missing, for the journal. */
  readonly hindrance: string | undefined
  readonly token: TokenUse | undefined
}

interface Services {
  readonly policy: { readonly current: Policy }
  readonly keys: KeyDirectory["Service"]
  readonly tokens: TokenStore
}

/** What is covered; nothing is counted yet. */
export const coverageOf = (services: Services, use: Use, judged: Judged): Coverage => {
  const { asks, tokens } = judged
  const accepted = use.tokens?.accepted() ?? none
  if (accepted.length === 0) {
    return { by: none, missing: tokens, asks, hindrance: use.tokens?.rejected(), token: undefined }
  }
  const { found, hindrances, others, sealing } = findTokens(services, use, accepted, judged.needs())
  const sealed = (keygrip: Keygrip): AcceptedToken | undefined =>
    sealing?.hasSeal(keygrip) === true ? sealing : undefined
  // in band a client answers itself where loopback is allowed or granted to it; where the whole use is granted, the gate does
  const standsIn = (need: Need): boolean => {
    if (!isLoopback(need) || others === undefined || need.keygrip === undefined) return false
    return tokens.includes(need) || sealed(need.keygrip) !== undefined
      || services.keys.info(need.keygrip).protection === "clear"
  }
  const isCovered = (need: Need): boolean => found.has(keyOf(need)) || standsIn(need)
  const needed = [...tokens, ...asks]
  const covered = needed.filter(isCovered)
  const inBand = !covered.some((need) => !found.has(keyOf(need)))

  const by = new Set(covered.flatMap((need): ReadonlyArray<AcceptedToken> => {
    const token = found.get(keyOf(need))
    return token === undefined ? others ?? none : [token]
  }))
  // what the policy allows without one is counted only where the token gives more: the passphrase
  if (sealing !== undefined) by.add(sealing)
  const missing = tokens.filter((need) => !isCovered(need))
  return {
    by: [...by],
    missing,
    asks: asks.filter((need) => !isCovered(need)),
    hindrance: use.tokens?.rejected() ?? hindranceOf(missing, hindrances),
    token: by.size === 0 ? undefined : { by: [...by], inBand, sealed }
  }
}

const isLoopback = ({ operation }: Need): boolean => operation === "loopback"

/** The token of each need, and why none is of those that have none. */
const findTokens = (
  services: Services,
  use: Use,
  accepted: ReadonlyArray<AcceptedToken>,
  needs: ReadonlyArray<Need>
) => {
  const others = needs.filter((need) => !isLoopback(need))
  const covers = (token: AcceptedToken, need: Need) => hinders(services, use, token, need) === undefined
  // a passphrase is that of a grant which the whole use is granted by
  const sealing = others.length === 0
    ? undefined
    : accepted.find((token) =>
      others.every((need) => need.keygrip !== undefined && token.hasSeal(need.keygrip) && covers(token, need))
    )
  const found = new Map<string, AcceptedToken>()
  const hindrances = new Map<string, string>()
  for (const need of needs) {
    for (const token of sealing === undefined || isLoopback(need) ? accepted : [sealing]) {
      const why = hinders(services, use, token, need)
      if (why === undefined) {
        found.set(keyOf(need), token)
        break
      }
      hindrances.set(keyOf(need), why)
    }
  }
  const theirs = others.flatMap((need) => found.get(keyOf(need)) ?? [])
  // all but loopback: then the use itself is granted, and not only how its passphrase is given
  const isWhole = others.length > 0 && theirs.length === others.length
  return { found, hindrances, others: isWhole ? theirs : undefined, sealing }
}

/** Why a token does not cover a need. */
const hinders = (services: Services, use: Use, token: AcceptedToken, need: Need): string | undefined => {
  const { grant } = token
  if (grant.app !== use.app) return `the grant ${grant.id} is for another app (${grant.app})`
  if (grant.definition !== definitionOf(services.policy.current, grant.app)) {
    return `the grant ${grant.id} was made when the app ${grant.app} had another match or socket`
  }
  // what a card does names no key: it may be any
  if (need.keygrip === undefined ? uses.includes(need.operation) : !grant.keygrips.includes(need.keygrip)) {
    return `the grant ${grant.id} is for another key`
  }
  if (!isFor(services, token, use, need)) return `the grant ${grant.id} is not for ${need.operation}`
  return services.tokens.hinders(token, need.keygrip, use.within?.includes(token) === true)
}

/** What hinders the use itself says more than that the grant is none for loopback: few are. */
const hindranceOf = (missing: ReadonlyArray<Need>, hindrances: ReadonlyMap<string, string>): string | undefined => {
  const first = missing.find(({ operation }) => operation !== "loopback")
  return first === undefined ? [...hindrances.values()][0] : hindrances.get(keyOf(first))
}

const none: ReadonlyArray<never> = []

const keyOf = ({ keygrip, operation }: Need): string => `${operation} ${keygrip ?? ""}`

/**
 * Whether a grant is for an operation. One that is for `sign` is for all that is judged as signing: the agent sees only a hash, and
 * a policy that does not name `certify` makes no difference either.
 */
const isFor = ({ keys, policy }: Services, { grant }: AcceptedToken, use: Use, need: Need): boolean => {
  if (grant.operations.has(need.operation)) return true
  if (!followsSign(need.operation) || !grant.operations.has("sign")) return false
  const own = need.keygrip !== undefined && keys.own(use.app, need.keygrip)
  return decide(policy.current, { app: use.app, operation: "sign", keygrip: need.keygrip, own }).entry === need.entry
}
