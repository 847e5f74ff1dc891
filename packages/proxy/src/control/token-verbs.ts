// Grants with tokens, as the owner makes and changes them. Its border: what may be granted and how it is kept is the issuer's, and who
// asks for a passphrase is the asker's.
import { parseRate } from "@gripgate/policy/file/rate"
import { didYouMean } from "@gripgate/policy/file/suggest"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { PassphraseAsker } from "../approve/passphrase-asker.ts"
import type { By } from "../approve/question.ts"
import type { Issued, Issuer, NotIssued, Passphrases, Plan, Wish } from "../grant/issue.ts"
import type { TokenGrant } from "../grant/token-grant.ts"
import type { Log } from "../log.ts"
import { readShortId } from "../short-id.ts"
import { grantLines } from "../shown/grant-lines.ts"
import type { GrantedEntry, Made } from "./message/granted.ts"
import type { RequestOf, TokenVerb } from "./message/request.ts"
import type { ControlPeer } from "./peer.ts"
import { type ControlProblem, notIssued, refused } from "./problem.ts"
import type { TokenGrants } from "./revoke.ts"
import type { ControlVerbs, Handed, Waiting } from "./server.ts"
import { momentOf, showPlan } from "./show.ts"

export interface TokenServices {
  readonly issuer: Issuer
  readonly asker: PassphraseAsker
  readonly tokens: TokenGrants
  readonly policy: { readonly current: Policy }
  readonly log: Log
  readonly now: () => number
  readonly show: (grant: TokenGrant) => GrantedEntry
}

const byOf = (through: string, { uid }: ControlPeer): By => ({ through, ...uid !== undefined && { uid } })

/** Ends with whoever waits for it: neither an agent nor a person is kept busy for nobody. */
const unlessGone = ({ gone }: Waiting) => <A>(effect: Effect.Effect<A, ControlProblem>) =>
  Effect.interruptible(
    Effect.raceFirst(effect, Effect.andThen(gone, Effect.fail(refused("whoever asked for it has gone"))))
  )

export const tokenVerbs = (services: TokenServices): Pick<ControlVerbs, TokenVerb | "plan" | "renew"> => {
  const { asker, issuer, log, now, policy, show, tokens } = services

  /** A wish for an app that the policy has: another name is a slip of whoever typed it. */
  const known = ({ app }: Pick<Wish, "app">): Effect.Effect<void, ControlProblem> => {
    const apps = [...policy.current.apps.keys()]
    if (apps.includes(app)) return Effect.void
    const all = apps.length === 0 ? "it has none" : `known here are ${apps.slice(0, MAX_NAMED).join(", ")}`
    const hint = didYouMean(app, apps) ?? all
    return Effect.fail({ fault: "usage", error: `the policy has no app ${JSON.stringify(app)}`, hint })
  }

  /** Calls `issue` with the passphrases that were sent, or with those that the owner types; nothing is made for one who has gone. */
  const obtain = (
    plan: Plan,
    { passphrases }: Pick<RequestOf<TokenVerb>, "passphrases">,
    until: number | undefined,
    waiting: Waiting,
    issue: (passphrases: Passphrases) => Effect.Effect<Issued, NotIssued>,
    lost: (grant: TokenGrant) => Effect.Effect<void>
  ): Effect.Effect<Issued, ControlProblem> => {
    const lacking = passphrases === "given"
      ? plan.keys.find(({ info, sealed }) => sealed && !waiting.passphrases.has(info.keygrip))
      : undefined
    if (lacking !== undefined) {
      const { keyId, keygrip } = lacking.info
      return Effect.fail(refused(`the passphrase of ${keyId ?? keygrip} is needed, and was not given`))
    }
    let issued: Issued | undefined
    const check = (typed: Passphrases) =>
      Effect.uninterruptible(Effect.tap(issue(typed), (made) => Effect.sync(() => void (issued = made))))
    const lines = grantLines({
      app: plan.app,
      operations: plan.operations,
      until: until === undefined ? "it is revoked" : momentOf(until)
    })
    const asking = passphrases === "given" ? check(waiting.passphrases) : asker.ask(lines, plan.keys, check)
    return asking.pipe(
      Effect.mapError((error) => error._tag === "NotAsked" ? refused(error.message) : notIssued(error)),
      unlessGone(waiting),
      Effect.onInterrupt(() => issued === undefined ? Effect.void : unseen(issued, lost)),
      // one that was made while he went is handed on all the same, and taken back like any that does not reach him
      Effect.catch((problem) => issued === undefined ? Effect.fail(problem) : Effect.succeed(issued))
    )
  }

  /** One that was made, and that the gate stops before it could be handed on. */
  const unseen = ({ grant, token }: Issued, lost: (grant: TokenGrant) => Effect.Effect<void>): Effect.Effect<void> =>
    Effect.suspend(() => {
      token.fill(0)
      return lost(grant)
    })

  const handed = ({ grant, token }: Issued, lost: (grant: TokenGrant) => Effect.Effect<void>): Handed<Made> => ({
    result: { grant: show(grant) },
    token,
    lost: Effect.suspend(() => lost(grant))
  })

  /** A grant whose token reached nobody is worth nothing, and is not left in the list. */
  const takeBack = (grant: TokenGrant): Effect.Effect<void> =>
    Effect.suspend(() => {
      log.write(4, `the token of the grant ${grant.id} could not be handed over, so the grant is taken back`)
      return Effect.catch(
        tokens.revoke([grant], { through: "gripgate" }),
        (error) => Effect.sync(() => log.write(3, error))
      )
    })

  /** The old token of the grant may be in use until it ends, so the grant stands. */
  const tellLost = ({ id }: TokenGrant): Effect.Effect<void> =>
    Effect.sync(() =>
      log.write(4, `the new token of the grant ${id} could not be handed over: gripgate rotate ${id} makes another`)
    )

  return {
    plan: ({ what }) =>
      Effect.gen(function*() {
        if ("app" in what) yield* known(what)
        const planned = "app" in what ? issuer.plan(what) : issuer.planRotation(readShortId(what.id))
        return showPlan(yield* Effect.mapError(planned, notIssued))
      }),

    grant: (request, waiting) =>
      Effect.gen(function*() {
        const { app, forMs, keys, limit, operations, seal, uses } = request
        yield* known(request)
        const rate = limit === undefined ? undefined : parseRate(limit)
        if (rate !== undefined && Result.isFailure(rate)) {
          const { hint, message } = rate.failure
          return yield* Effect.fail<ControlProblem>({ ...refused(message, hint), fault: "usage" })
        }
        const wish = { app, keys, seal, ...operations !== undefined && { operations } }
        const plan = yield* unlessGone(waiting)(Effect.mapError(issuer.plan(wish), notIssued))
        const bounds = {
          ...forMs !== undefined && { time: forMs },
          ...uses !== undefined && { maxUses: uses },
          ...rate !== undefined && { rate: rate.success }
        }
        const until = forMs === undefined ? undefined : now() + forMs
        const by = byOf("grant", waiting.peer)
        const issue = (given: Passphrases) => issuer.issue(plan, bounds, given, by)
        const issued = yield* obtain(plan, request, until, waiting, issue, takeBack)
        log.write(5, `the grant ${issued.grant.id} is made for the app ${JSON.stringify(app)}`)
        return handed(issued, takeBack)
      }),

    rotate: (request, waiting) =>
      Effect.gen(function*() {
        const id = readShortId(request.id)
        const plan = yield* unlessGone(waiting)(Effect.mapError(issuer.planRotation(id), notIssued))
        const by = byOf("rotate", waiting.peer)
        const issued = yield* obtain(
          plan,
          request,
          tokens.get(id)?.expiresAt,
          waiting,
          (given) => issuer.rotate(id, plan, request.overlapMs, given, by),
          tellLost
        )
        log.write(5, `the grant ${id} has a new token`)
        return handed(issued, tellLost)
      }),

    renew: ({ forMs, id, uses }, peer) =>
      issuer.renew(
        readShortId(id),
        { ...forMs !== null && { time: forMs }, ...uses !== undefined && { maxUses: uses } },
        byOf("renew", peer)
      ).pipe(
        Effect.tap((grant) => Effect.sync(() => log.write(5, `the grant ${grant.id} is renewed`))),
        Effect.mapBoth({ onFailure: notIssued, onSuccess: (grant) => ({ grant: show(grant) }) })
      )
  }
}

/** Apps that a hint names. */
const MAX_NAMED = 20
