// Makes grants with tokens: every passphrase is checked against its key before it is sealed, and nothing is written down that
// does not hold. Tokens and passphrases are bytes in memory of their own, wiped when they have done their work.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import { askAgent } from "../upstream/ask-agent.ts"
import { checkPassphrase } from "../upstream/check-passphrase.ts"
import { definitionOf } from "./definition.ts"
import { type Issued, type Issuer, NotIssued, type Passphrases, type Plan } from "./issue.ts"
import { keyName, planGrant, type PlanServices } from "./plan.ts"
import { makeProof, type Seal, type SealedFor, sealKey, sealPassphrase } from "./seal.ts"
import type { TokenGrant, TokenPart } from "./token-grant.ts"
import { draftToken, type TokenStore } from "./token-store.ts"

export interface IssuerServices extends PlanServices {
  readonly tokens: TokenStore
  /** Milliseconds of the clock. */
  readonly now: () => number
}

const notWritten = (what: string) => (why: string): NotIssued =>
  new NotIssued({ message: `${what}, since ${why}`, hint: "see to the disk, then try again" })

export const makeIssuer = (services: IssuerServices): Issuer => {
  const { connect, now, tokens } = services

  const standing = (id: string): Effect.Effect<TokenGrant, NotIssued> => {
    const grant = tokens.get(id)
    const hint = "gripgate grants lists them"
    if (grant === undefined) return Effect.fail(new NotIssued({ message: `no grant with a token is ${id}`, hint }))
    return grant.revokedAt === undefined
      ? Effect.succeed(grant)
      : Effect.fail(new NotIssued({ message: `the grant ${id} was revoked`, hint: "make another: gripgate grant" }))
  }

  /** One that a token can be of: the app is as it was, and its time is not up. */
  const usable = (id: string): Effect.Effect<TokenGrant, NotIssued> =>
    Effect.flatMap(standing(id), (grant) => {
      const hint = `gripgate grant ${grant.app} makes another`
      if (definitionOf(services.policy.current, grant.app) !== grant.definition) {
        const message = `the app ${grant.app} has another match or socket than when the grant ${id} was made`
        return Effect.fail(new NotIssued({ message, hint }))
      }
      return tokens.isLive(grant) ? Effect.succeed(grant) : Effect.fail(
        new NotIssued({ message: `the time of the grant ${id} is up`, hint: `gripgate renew ${id}, or ${hint}` })
      )
    })

  /** Fails with all keys whose passphrase is wrong. */
  const check = Effect.fnUntraced(function*(plan: Plan, passphrases: Passphrases): Effect.fn.Return<void, NotIssued> {
    const wrong: Array<Keygrip> = []
    for (const { info, sealed } of plan.keys) {
      if (!sealed) continue
      const passphrase = passphrases.get(info.keygrip)
      const checked = passphrase === undefined ? "wrong" : yield* checkOne(info.keygrip, passphrase)
      if (checked === "wrong") wrong.push(info.keygrip)
      else if (checked !== "right") {
        const why = checked === "unprotected" ? "it has no passphrase any more" : checked.failed
        return yield* new NotIssued({ message: `the passphrase of the key ${keyName(info)} cannot be checked: ${why}` })
      }
    }
    if (wrong.length > 0) {
      const names = plan.keys.filter(({ info }) => wrong.includes(info.keygrip)).map(({ info }) => keyName(info))
      return yield* new NotIssued({ message: `this is not the passphrase of the key ${names.join(", ")}`, wrong })
    }
  })

  const checkOne = (keygrip: Keygrip, passphrase: Buffer) =>
    Effect.mapError(
      askAgent(connect, (connection) => Effect.gen(() => checkPassphrase(connection, keygrip, passphrase))),
      ({ reason }) => new NotIssued({ message: `gpg-agent cannot be reached: ${reason}` })
    )

  /** A token, and what is kept of it. */
  const draft = (id: string, plan: Plan, passphrases: Passphrases): { token: Buffer; part: TokenPart } => {
    const { secret, token } = draftToken(id)
    const proof = makeProof(secret)
    const key = sealKey(secret, proof)
    const seals = new Map<Keygrip, Seal>()
    for (const { info: { keygrip }, sealed } of plan.keys) {
      const passphrase = passphrases.get(keygrip)
      if (!sealed || passphrase === undefined) continue
      const about: SealedFor = { grant: id, app: plan.app, keygrip, operations: plan.operations }
      seals.set(keygrip, sealPassphrase(key, passphrase, about))
    }
    key.fill(0)
    return { token, part: { proof, seals } }
  }

  /** The token goes out only with a grant that is in force. */
  const wiping = <A>(token: Buffer, made: Effect.Effect<A, NotIssued>): Effect.Effect<A, NotIssued> =>
    Effect.onError(made, () => Effect.sync(() => token.fill(0)))

  return {
    plan: (wish) => planGrant(services, wish),

    planRotation: (id) =>
      Effect.flatMap(
        usable(id),
        ({ app, keygrips, operations, token }) =>
          planGrant(services, {
            app,
            keys: keygrips.map((keygrip) => `grip:${keygrip}`),
            operations: [...operations],
            seal: token.seals.size > 0
          })
      ),

    issue: Effect.fnUntraced(function*(plan, bounds, passphrases, by): Effect.fn.Return<Issued, NotIssued> {
      yield* Effect.interruptible(check(plan, passphrases))
      const id = tokens.nextId()
      const { part, token } = draft(id, plan, passphrases)
      const madeAt = now()
      const grant: TokenGrant = {
        id,
        app: plan.app,
        definition: plan.definition,
        keygrips: plan.keys.map(({ info }) => info.keygrip),
        operations: new Set(plan.operations),
        ...bounds.time !== undefined && { expiresAt: madeAt + bounds.time },
        ...bounds.maxUses !== undefined && { maxUses: bounds.maxUses },
        ...bounds.rate !== undefined && { rate: bounds.rate },
        token: part,
        by,
        madeAt,
        stale: new Map(),
        uses: 0
      }
      yield* wiping(token, Effect.mapError(tokens.give(grant), notWritten("nothing is granted")))
      return { grant, token }
    }),

    rotate: Effect.fnUntraced(function*(id, plan, overlap, passphrases, by): Effect.fn.Return<Issued, NotIssued> {
      const grant = yield* usable(id)
      yield* Effect.interruptible(check(plan, passphrases))
      const { part, token } = draft(id, plan, passphrases)
      const until = overlap > 0 ? now() + overlap : undefined
      yield* wiping(
        token,
        Effect.mapError(tokens.rotate(grant, part, until, by), notWritten("the token is as it was"))
      )
      return { grant, token }
    }),

    renew: Effect.fnUntraced(function*(id, { maxUses, time }, by): Effect.fn.Return<TokenGrant, NotIssued> {
      const grant = yield* standing(id)
      const all = maxUses === undefined ? undefined : maxUses + (grant.maxUses === undefined ? 0 : grant.uses)
      const until = time === undefined ? undefined : now() + time
      yield* Effect.mapError(tokens.renew(grant, until, all, by), notWritten("the grant is as it was"))
      return grant
    })
  }
}
