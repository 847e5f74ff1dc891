// An issuer that records what it is asked for and makes what a test says, and what stands around it: a policy with one app, an asker,
// grants with tokens.
import { parsePolicy } from "@gripgate/policy/file/parse"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { NotAsked, type PassphraseAsker } from "../../src/approve/passphrase-asker.ts"
import type { TokenGrants } from "../../src/control/revoke.ts"
import { controlVerbs } from "../../src/control/verbs.ts"
import { definitionOf } from "../../src/grant/definition.ts"
import {
  type Issued,
  type Issuer,
  NotIssued,
  type Passphrases,
  type Plan,
  type PlannedKey
} from "../../src/grant/issue.ts"
import type { TokenGrant } from "../../src/grant/token-grant.ts"
import { makeToken } from "../../src/grant/token.ts"
import type { Priority } from "../../src/log.ts"
import { A, B, by } from "../grant/place.ts"

export const policy = Result.getOrThrow(
  parsePolicy("[apps.mail]\nsocket = \"mail\"\nkeys = [\"*\"]\n", "policy.toml")
)

const nothingSealed = { proof: { salt: "00", verifier: "00" }, seals: new Map() }

export const tokenGrant = (more: Partial<TokenGrant> = {}): TokenGrant => ({
  id: "AB23",
  app: "mail",
  definition: definitionOf(policy, "mail")!,
  keygrips: [A, B],
  operations: new Set(["sign"]),
  by,
  madeAt: 1_000,
  token: nothingSealed,
  stale: new Map(),
  uses: 0,
  ...more
})

export const planned = (keygrip: typeof A, sealed = true): PlannedKey => ({
  info: { keygrip, keyId: keygrip.slice(24), userId: "Alice <alice@example.org>", capabilities: undefined },
  protection: sealed ? "protected" : "clear",
  sealed
})

const texts = (passphrases: Passphrases) =>
  Object.fromEntries([...passphrases].map(([key, bytes]) => [key, bytes.toString()]))

/** Everything that a test may want to be otherwise. */
export interface Around {
  readonly keys?: ReadonlyArray<PlannedKey>
  readonly grants?: ReadonlyArray<TokenGrant>
  readonly asker?: PassphraseAsker
  /** Before a plan is made. */
  readonly planning?: Effect.Effect<void, NotIssued>
  /** Before a grant is made. */
  readonly making?: Effect.Effect<void, NotIssued>
  readonly revoke?: (grants: ReadonlyArray<TokenGrant>) => Effect.Effect<void, string>
}

/** The verbs of a control socket, with everything that was done by them. */
export const issuing = (around: Around = {}) => {
  const calls: Array<ReadonlyArray<unknown>> = []
  const log: Array<string> = []
  const tokens: Array<Buffer> = []
  const grants = [...around.grants ?? []]
  const plan: Plan = {
    app: "mail",
    definition: "x",
    keys: around.keys ?? [planned(A), planned(B, false)],
    operations: ["sign"],
    notes: ["a note"]
  }
  const call = <B>(name: string, ...args: ReadonlyArray<unknown>) => (effect: Effect.Effect<B, NotIssued>) =>
    Effect.suspend(() => {
      calls.push([name, ...args])
      return effect
    })
  const made = Effect.andThen(
    around.making ?? Effect.void,
    Effect.sync(() => {
      const grant = tokenGrant()
      grants.push(grant)
      const token = makeToken(grant.id)
      tokens.push(token)
      return { grant, token }
    })
  )
  const issuer: Issuer = {
    plan: (wish) => call<Plan>("plan", wish)(Effect.as(around.planning ?? Effect.void, plan)),
    planRotation: (id) =>
      call<Plan>("planRotation", id)(
        id === "AB23" ? Effect.succeed(plan) : Effect.fail(new NotIssued({ message: `there is no grant ${id}` }))
      ),
    issue: (_, bounds, passphrases, who) => call<Issued>("issue", bounds, texts(passphrases), who)(made),
    rotate: (id, _, overlap, passphrases, who) => call<Issued>("rotate", id, overlap, texts(passphrases), who)(made),
    renew: (id, bounds, who) => call<TokenGrant>("renew", id, bounds, who)(Effect.succeed(tokenGrant({ id })))
  }
  const nobody: PassphraseAsker = {
    ask: () => Effect.fail(new NotAsked({ why: "unavailable", message: "there is no pinentry" }))
  }
  const isLive = ({ revokedAt }: TokenGrant) => revokedAt === undefined
  const store: TokenGrants = {
    all: () => grants,
    get: (id) => grants.find((grant) => grant.id === id),
    isLive,
    revoke: (taken, who) =>
      Effect.suspend(() => {
        calls.push(["revoke", taken.map(({ id }) => id), who])
        for (const grant of taken) grant.revokedAt = 5_000
        return around.revoke?.(taken) ?? Effect.void
      })
  }
  const verbs = controlVerbs(
    {
      issuer,
      asker: around.asker ?? nobody,
      tokens: store,
      grants: { all: () => [], get: () => undefined, isLive: () => false, revoke: () => Effect.void },
      policy: { current: policy },
      keys: { info: (keygrip: typeof A) => planned(keygrip).info },
      log: { level: 7, write: (_: Priority, message: string) => void log.push(message) },
      now: () => 10_000
    } as unknown as Parameters<typeof controlVerbs>[0]
  )
  return { verbs, calls, log, grants, tokens, plan, isLive }
}
