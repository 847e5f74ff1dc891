// The authority that the policy gives: visibility first, then the verdict of every operation with every key, then how often.
// `ask` goes to tokens, to the grants and to the owner, `token` to tokens alone.
import { decide, names } from "@gripgate/policy/decide"
import { type Entry, tableOf } from "@gripgate/policy/policy"
import { gpgError } from "@gripgate/protocol/gpg-error"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { holderKey, holderOf } from "../approve/asker.ts"
import { Desk } from "../approve/desk.ts"
import type { Answer, Ended, Question } from "../approve/question.ts"
import { definitionOf } from "../grant/definition.ts"
import { GrantStore } from "../grant/grant-store.ts"
import type { Grant } from "../grant/grant.ts"
import { Journal } from "../journal/journal.ts"
import { entryText } from "../journal/record.ts"
import { KeyDirectory } from "../keys/key-directory.ts"
import { PolicyRef } from "../policy-file.ts"
import { askingOf, type AskingServices, rememberOf } from "./asking.ts"
import { Authority, type Permit, type Refusal, refusal, type Use } from "./authority.ts"
import { type Coverage, coverageOf } from "./by-token.ts"
import { judge, type Judged, type Need } from "./judge.ts"
import { Rates } from "./rates.ts"

/** What the grants say of a use that needs the owner's yes. */
type Granted =
  | { readonly kind: "yes"; readonly grants: ReadonlyArray<Grant> }
  | { readonly kind: "never"; readonly grant: Grant }
  | { readonly kind: "ask" }

const ASK: Granted = { kind: "ask" }

const permit: Permit = { _tag: "Permit", alive: () => true }

/** `describe` puts a client into words. */
export const policyAuthority = (describe: AskingServices["describe"]) =>
  Layer.effect(
    Authority,
    Effect.gen(function*() {
      const policy = yield* PolicyRef
      const keys = yield* KeyDirectory
      const desk = yield* Desk
      const grants = yield* GrantStore
      const journal = yield* Journal
      const clock = yield* Clock.Clock
      const rates = new Rates(() => clock.currentTimeMillisUnsafe())
      const services: AskingServices = { keys, grants, policy, describe }
      let closed = false

      /** A grant is for the app that it was given to, and not for another that has its name by now. */
      const isMeant = (grant: Grant): boolean =>
        grant.holder.kind !== "app" || grant.definition === definitionOf(policy.current, grant.holder.app)

      const granted = (use: Use, asks: ReadonlyArray<Need>): Granted => {
        const holder = holderOf(use.app, use.facts)
        if (holder === undefined) return ASK
        const key = holderKey(holder)
        const yes: Array<Grant> = []
        let missing = rememberOf(policy.current, asks) === 0
        for (const { keygrip, operation } of asks) {
          const found = grants.find(key, operation, keygrip).filter(isMeant)
          const never = found.find(({ answer }) => answer === "never")
          if (never !== undefined) return { kind: "never", grant: never }
          const first = found.find(({ answer }) => answer === "yes")
          if (first === undefined) missing = true
          else if (!yes.includes(first)) yes.push(first)
        }
        return missing ? ASK : { kind: "yes", grants: yes }
      }

      /**
       * Whether what the owner said yes to may be done now, and by which tokens: while he was asked, the policy may have been read
       * anew, and a token used up.
       */
      const stillHolds = (use: Use, asks: ReadonlyArray<Need>): Coverage | undefined => {
        if (use.keygrips.some((grip) => !keys.visible(use.app, grip))) return undefined
        if (use.operations.length === 0) return noTokens
        const judged = judge(policy.current, keys, use)
        if ("_tag" in judged || judged.verdict === "forbid") return undefined
        const byToken = covered(use, judged)
        if (byToken !== undefined && byToken.missing.length > 0) return undefined
        const left = (byToken?.asks ?? judged.asks).filter(({ keygrip, operation }) =>
          !asks.some((asked) => asked.operation === operation && asked.keygrip === keygrip)
        )
        return left.length === 0 || granted(use, left).kind === "yes" ? byToken ?? noTokens : undefined
      }

      /** What tokens cover; `undefined` where none was presented and none is needed. */
      const covered = (use: Use, judged: Judged): Coverage | undefined =>
        use.tokens === undefined && judged.tokens.length === 0
          ? undefined
          : coverageOf({ policy, keys, tokens: grants.tokens }, use, judged)

      // a policy that is read takes effect at the next command, a grant that is revoked at once
      const permitBy = (use: Use, by: ReadonlyArray<Grant>, { by: tokens, token }: Coverage): Permit => {
        for (const grant of by) grants.used(grant)
        if (tokens.length === 0) {
          if (by.length === 0) return permit
          return {
            _tag: "Permit",
            alive: () => by.every((grant) => grants.isLive(grant)),
            by: by.map(({ id }) => id)
          }
        }
        const recorded = grants.tokens.use(tokens.filter((token) => use.within?.includes(token) !== true))
        return {
          _tag: "Permit",
          alive: () => by.every((grant) => grants.isLive(grant)) && tokens.every(grants.tokens.holds),
          takenBack: gpgError.BAD_PASSPHRASE,
          by: [...by, ...tokens.map(({ grant }) => grant)].map(({ id }) => id),
          ...token !== undefined && { token },
          ...recorded !== undefined && { recorded }
        }
      }

      const forbidden = (use: Use, judged: Judged, why: string): Refusal => {
        // gpg probes for a card in ordinary work; it takes this number for "there is none" and says nothing
        return refusal(
          isProbe(use, judged) ? gpgError.NO_SCDAEMON : gpgError.FORBIDDEN,
          `${entryText(judged.entry)}${why}`
        )
      }

      const isProbe = (use: Use, { operation }: Judged): boolean =>
        operation === "card" && !names(policy.current, use.app, "card")

      const overLimit = (use: Use, { limited }: Judged): Refusal => {
        const full = limited.find((entry) => !rates.has(use.app, [entry])) ?? limited[0]!
        return refusal(gpgError.LIMIT_REACHED, `over the limit: ${entryText(full)}`)
      }

      /** A yes counts, if there is one left. */
      const counted = (
        use: Use,
        judged: Judged,
        byToken: Coverage = noTokens,
        by: ReadonlyArray<Grant> = []
      ): Permit | Refusal => {
        if (judged.limited.length > 0 && !rates.take(use.app, judged.limited)) return overLimit(use, judged)
        return permitBy(use, by, byToken)
      }

      const never = (grant: Grant): Refusal => refusal(gpgError.CANCELED, `the owner said never (grant ${grant.id})`)

      /** Puts the question; `judged` is what needs a yes, absent for what the agent or the client itself asks. */
      const put = (use: Use, judged: Judged | undefined): Effect.Effect<Permit | Refusal> => {
        const asks = judged?.asks ?? []
        const limited = use.counted === true ? [] : judged?.limited ?? []
        // what the owner says yes to is not refused afterwards, so it counts from now on
        if (judged !== undefined && limited.length > 0 && !rates.take(use.app, limited)) {
          return Effect.succeed(overLimit(use, judged))
        }
        let by: ReadonlyArray<Grant> = []
        const answered = (): Answer | undefined => {
          if (asks.length === 0) return undefined
          const now = granted(use, asks)
          if (now.kind === "never") return answerOf(now.grant, "no")
          if (now.kind === "ask" || use.confirm === true) return undefined
          by = now.grants
          return answerOf(by[0]!, "yes")
        }
        let put: Question | undefined
        const asking = askingOf(services, use, judged, answered, (question) => {
          put = question
          journal.asked(use, question)
        })
        return Effect.map(desk.ask(asking), (ended) => {
          if (put !== undefined) journal.answered(put, ended, clock.currentTimeMillisUnsafe() - put.askedAt)
          const now = ended.kind === "yes" ? changedMeanwhile(use, asks) : refusalOf(ended, judged)
          if (!("_tag" in now)) return permitBy(use, by, now)
          if (limited.length > 0) rates.giveBack(use.app, limited)
          return now
        })
      }

      const changedMeanwhile = (use: Use, asks: ReadonlyArray<Need>): Refusal | Coverage => {
        if (closed) return refusal(gpgError.NO_AGENT, "the gate stops")
        return stillHolds(use, asks)
          ?? refusal(gpgError.FORBIDDEN, "the owner said yes, and the policy that was read meanwhile does not allow it")
      }

      const settle = (use: Use, all: Judged): Permit | Refusal | Effect.Effect<Permit | Refusal> => {
        if (all.verdict === "forbid") return forbidden(use, all, "")
        const byToken = covered(use, all)
        if (byToken === undefined) return settleRest(use, all, noTokens)
        // a no for good is not what a token stands for
        const answered = all.asks.length === 0 ? ASK : granted(use, all.asks)
        if (answered.kind === "never") return never(answered.grant)
        return byToken.missing.length > 0
          ? withoutToken(use, all, byToken)
          : settleRest(use, afterTokens(all, byToken), byToken)
      }

      /** A token is needed, and there is none that will do. */
      const withoutToken = (use: Use, judged: Judged, { hindrance, missing }: Coverage): Refusal => {
        if (use.canPresent === true) return wantsToken
        if (use.tokens === undefined) return forbidden(use, judged, ", and no token was presented")
        const why = hindrance ?? "no token that was presented is for it"
        return refusal(gpgError.BAD_PASSPHRASE, `${entryText(missing[0]!.entry)}, and ${why}`)
      }

      /** What no token has settled. */
      const settleRest = (
        use: Use,
        judged: Judged,
        byToken: Coverage
      ): Permit | Refusal | Effect.Effect<Permit | Refusal> => {
        if (use.confirm === true) {
          const by = granted(use, judged.asks)
          return by.kind === "never" ? never(by.grant) : put(use, judged)
        }
        if (judged.verdict === "allow") return counted(use, judged, byToken)
        // nobody is asked for what gpg only tries
        if (isProbe(use, judged) && isCardProbe(use)) return forbidden(use, judged, "")
        const by = granted(use, judged.asks)
        if (by.kind === "never") return never(by.grant)
        return by.kind === "yes" ? counted(use, judged, byToken, by.grants) : put(use, judged)
      }

      const refuse = (use: Use, no: Refusal, entry?: Entry): Refusal => {
        journal.refused(use, no, entry)
        return no
      }

      const told = (use: Use, entry: Entry | undefined, decision: Permit | Refusal): Permit | Refusal => {
        if (decision._tag === "Refusal") {
          return decision.wantsToken === true ? decision : refuse(use, decision, entry)
        }
        // a part of a use that was permitted has been written down with it
        if (entry === undefined || use.counted === true) return decision
        const intent = journal.allowed(use, entry, decision.by)
        return intent === undefined ? decision : { ...decision, intent }
      }

      return {
        permit: (use) => {
          if (closed) return refuse(use, refusal(gpgError.NO_AGENT, "the gate stops"))
          if (use.keygrips.some((grip) => !keys.visible(use.app, grip))) {
            return refuse(use, refusal(gpgError.NO_SECKEY, "the key is not among those of this client"))
          }
          if (use.operations.length === 0) {
            return use.confirm === true
              ? Effect.map(put(use, undefined), (made) => told(use, undefined, made))
              : permit
          }
          const judged = judge(policy.current, keys, use)
          if ("_tag" in judged) return refuse(use, judged)
          const decision = settle(use, judged)
          return Effect.isEffect(decision)
            ? Effect.map(decision, (made) => told(use, judged.entry, made))
            : told(use, judged.entry, decision)
        },
        verdict: (app, operation, keygrip) =>
          decide(policy.current, {
            app,
            operation,
            ...keygrip !== undefined && { keygrip, own: keys.own(app, keygrip) }
          }),
        forbidsLoopback: (app) => {
          const held = decide(policy.current, { app, operation: "loopback" })
          if (held.verdict !== "forbid") return undefined
          for (const entries of tableOf(policy.current, app)?.byKey.values() ?? []) {
            const ofKey = entries.get("loopback")
            if (ofKey !== undefined && ofKey.verdict !== "forbid") return undefined
          }
          return held
        },
        close: () => {
          closed = true
          desk.close()
        }
      }
    })
  )

const wantsToken: Refusal = { ...refusal(gpgError.BAD_PASSPHRASE, "a token is needed"), wantsToken: true }

/** A use that rests on no token. */
const noTokens: Coverage = { by: [], missing: [], asks: [], hindrance: undefined, token: undefined }

/** What is left to settle where tokens cover a part. */
const afterTokens = (judged: Judged, { asks }: Coverage): Judged => {
  const [first] = asks
  return first === undefined
    ? { ...judged, verdict: "allow", asks }
    : { ...judged, verdict: "ask", asks, entry: first.entry, operation: first.operation }
}

/** What a grant says to a question that is open. */
const answerOf = ({ id }: Grant, kind: Answer["kind"]): Answer => ({
  kind,
  good: "once",
  by: { through: `grant ${id}` },
  grant: id
})

/** What gpg sends in ordinary work to see whether there is a card (GPG 2.2: SERIALNO; 2.4: also the keys of a card). */
const isCardProbe = ({ command }: Use): boolean => cardProbes.has(command)

const cardProbes: ReadonlySet<string> = new Set(["SCD SERIALNO", "SCD GETINFO", "SCD KEYINFO"])

const refusalOf = (ended: Exclude<Ended, { kind: "yes" }> | Ended, judged: Judged | undefined): Refusal => {
  const what = judged === undefined ? "" : `${entryText(judged.entry)}, and `
  switch (ended.kind) {
    case "timeout":
      return refusal(gpgError.TIMEOUT, `${what}there was no answer in time`)
    case "paused":
      return refusal(gpgError.TIMEOUT, `${what}nobody is asked for now: there were too many questions without a yes`)
    case "unavailable":
      return refusal(gpgError.FORBIDDEN, `${what}there is no way to ask the owner: ${ended.reason}`)
    case "stopped":
      return refusal(gpgError.NO_AGENT, "the gate stops")
    case "withdrawn":
      return refusal(gpgError.CANCELED, `${what}the client did not wait for the answer`)
    default:
      return refusal(gpgError.CANCELED, `${what}the owner said no`)
  }
}
