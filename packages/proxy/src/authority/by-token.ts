// What the tokens of a session mean for a use: which of its needs they cover, and how its passphrase then gets to the agent.
import { decide, followsSign } from "@gripgate/policy/decide"
import type { Policy } from "@gripgate/policy/policy"
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
  const by: Array<AcceptedToken> = []
  const hindrances = new Map<string, string>()

  /** Why a token does not cover a need. */
  const hinders = (token: AcceptedToken, need: Need): string | undefined => {
    const { grant } = token
    const { current } = services.policy
    if (grant.app !== use.app) return `the grant ${grant.id} is for another app (${grant.app})`
    if (grant.definition !== definitionOf(current, grant.app)) {
      return `the grant ${grant.id} was made when the app ${grant.app} had another match or socket`
    }
    if (need.keygrip !== undefined && !grant.keygrips.includes(need.keygrip)) {
      return `the grant ${grant.id} is for another key`
    }
    if (!isFor(services, token, use, need)) return `the grant ${grant.id} is not for ${need.operation}`
    return services.tokens.hinders(token, need.keygrip)
  }
  const cover = (need: Need): AcceptedToken | undefined => {
    for (const token of accepted) {
      const why = hinders(token, need)
      if (why === undefined) return token
      hindrances.set(keyOf(need), why)
    }
    return undefined
  }
  const add = (token: AcceptedToken): void => {
    if (!by.includes(token)) by.push(token)
  }

  const covered = new Map<string, AcceptedToken>()
  let isWhole = true
  const all = judged.needs()
  for (const need of all) {
    if (need.operation === "loopback") continue
    const token = cover(need)
    if (token === undefined) isWhole = false
    else covered.set(keyOf(need), token)
  }
  const left = (need: Need): boolean => {
    if (need.operation === "loopback") return true
    const token = covered.get(keyOf(need))
    if (token !== undefined) add(token)
    return token === undefined
  }
  const missing = tokens.filter(left)
  const asked = asks.filter(left)
  // what the policy allows without one is counted only where the token gives more: the passphrase
  const sealed = (keygrip: Need["keygrip"]): AcceptedToken | undefined => {
    if (!isWhole || keygrip === undefined) return undefined
    return [...covered.values()].find((token) => token.grant.keygrips.includes(keygrip) && token.hasSeal(keygrip))
  }
  if (use.keygrips.some((keygrip) => sealed(keygrip) !== undefined)) {
    for (const token of covered.values()) {
      add(token)
    }
  }

  // in band a client answers itself where loopback is allowed to it or granted, and the gate does where the use is granted
  let inBand = true
  const loopback = (need: Need): boolean => {
    if (need.operation !== "loopback") return true
    const token = cover(need)
    if (token !== undefined) {
      add(token)
      return false
    }
    const clear = need.keygrip !== undefined && services.keys.info(need.keygrip).protection === "clear"
    const isToken = tokens.includes(need)
    if (!isWhole || !(isToken || clear || sealed(need.keygrip) !== undefined)) return true
    for (const one of covered.values()) add(one)
    inBand = false
    return false
  }
  const stillMissing = missing.filter(loopback)
  const stillAsked = asked.filter(loopback)
  return {
    by,
    missing: stillMissing,
    asks: stillAsked,
    hindrance: use.tokens?.rejected() ?? hindranceOf(stillMissing, hindrances),
    token: by.length === 0 ? undefined : { inBand, sealed }
  }
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
