// The authority that the policy gives: visibility first, then the verdict of every operation with every key, then how often.
// `ask` goes to the approver, `token` to the grants.
import { decide, names } from "@gripgate/policy/decide"
import { type Entry, tableOf } from "@gripgate/policy/policy"
import { isStricter, type Verdict } from "@gripgate/policy/verdict"
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Approver } from "../approve/approver.ts"
import { GrantStore } from "../grant/grant-store.ts"
import { entryText, Journal } from "../journal/journal.ts"
import { KeyDirectory } from "../keys/key-directory.ts"
import { PolicyRef } from "../policy-file.ts"
import { Authority, type Permit, type Refusal, refusal, type Use } from "./authority.ts"
import { needsOf, signatures } from "./needs.ts"
import { Rates } from "./rates.ts"

const permit: Permit = { _tag: "Permit", alive: () => true }

interface Judged {
  readonly verdict: Verdict
  readonly entry: Entry
  readonly operation: Operation
  /** The entries that hold and have a limit. */
  readonly limited: ReadonlyArray<Entry>
}

const nothing: ReadonlyArray<Entry> = []

export const policyAuthority = Layer.effect(
  Authority,
  Effect.gen(function*() {
    const policy = yield* PolicyRef
    const keys = yield* KeyDirectory
    const approver = yield* Approver
    const grants = yield* GrantStore
    const journal = yield* Journal
    const clock = yield* Clock.Clock
    const rates = new Rates(() => clock.currentTimeMillisUnsafe())
    let closed = false

    /** The verdict of everything that a use amounts to; a refusal where a key is not for it. */
    const judge = (use: Use): Judged | Refusal => {
      let found: Judged | undefined
      let limited: Array<Entry> | undefined
      const consider = (operation: Operation, keygrip: Keygrip | undefined): void => {
        const own = keygrip !== undefined && keys.own(use.app, keygrip)
        const { entry, verdict } = decide(policy.current, { app: use.app, operation, keygrip, own })
        if (entry.limit !== undefined && limited?.includes(entry) !== true) (limited ??= []).push(entry)
        if (found === undefined || isStricter(verdict, found.verdict)) {
          found = { verdict, entry, operation, limited: nothing }
        }
      }
      for (const operation of use.operations) {
        if (use.keygrips.length === 0) {
          for (const each of operation === "sign" ? signatures : [operation]) consider(each, undefined)
        }
        for (const keygrip of use.keygrips) {
          const needs = needsOf(operation, keys.info(keygrip).capabilities)
          if (needs === undefined) {
            return refusal(gpgError.FORBIDDEN, "the key is not one to decrypt with: its certificate says so")
          }
          for (const each of needs) consider(each, keygrip)
        }
      }
      return limited === undefined ? found! : { ...found!, limited }
    }

    const forbidden = (use: Use, judged: Judged, why: string): Refusal => {
      // gpg probes for a card in ordinary work; it takes this number for "there is none" and says nothing
      const quiet = judged.operation === "card" && !names(policy.current, use.app, "card")
      return refusal(quiet ? gpgError.NO_SCDAEMON : gpgError.FORBIDDEN, `${entryText(judged.entry)}${why}`)
    }

    const overLimit = (use: Use, { limited }: Judged): Refusal => {
      const full = limited.find((entry) => !rates.has(use.app, [entry])) ?? limited[0]!
      return refusal(gpgError.LIMIT_REACHED, `over the limit: ${entryText(full)}`)
    }

    /** A yes counts, if there is one left. */
    const counted = (use: Use, judged: Judged): Permit | Refusal =>
      judged.limited.length === 0 || rates.take(use.app, judged.limited) ? permit : overLimit(use, judged)

    const settle = (use: Use, judged: Judged): Permit | Refusal | Effect.Effect<Permit | Refusal> => {
      switch (judged.verdict) {
        case "allow":
          return counted(use, judged)
        case "forbid":
          return forbidden(use, judged, "")
        case "ask":
          // nobody is asked for what would be refused in any case
          if (!rates.has(use.app, judged.limited)) return overLimit(use, judged)
          return Effect.map(approver.ask(use), (answer) => {
            switch (answer) {
              case "once":
                return counted(use, judged)
              case "no":
                return refusal(gpgError.CANCELED, `${entryText(judged.entry)}, and the owner said no`)
              case "timeout":
                return refusal(gpgError.TIMEOUT, `${entryText(judged.entry)}, and there was no answer in time`)
              case "unavailable":
                return forbidden(use, judged, ", and there is no way to ask the owner")
            }
          })
        case "token":
          return Effect.map(
            grants.covers(use),
            (covered) => covered ? counted(use, judged) : forbidden(use, judged, ", and no token was presented")
          )
      }
    }

    const refuse = (use: Use, no: Refusal): Refusal => {
      journal.refused(use, no)
      return no
    }

    const told = (use: Use, judged: Judged, decision: Permit | Refusal): Permit | Refusal => {
      if (decision._tag === "Refusal") return refuse(use, decision)
      journal.allowed(use, judged.entry)
      return decision
    }

    return {
      permit: (use) => {
        if (closed) return refuse(use, refusal(gpgError.NO_AGENT, "the gate stops"))
        if (use.keygrips.some((grip) => !keys.visible(use.app, grip))) {
          return refuse(use, refusal(gpgError.NO_SECKEY, "the key is not among those of this client"))
        }
        if (use.operations.length === 0) return permit
        const judged = judge(use)
        if ("_tag" in judged) return refuse(use, judged)
        const decision = settle(use, judged)
        return Effect.isEffect(decision)
          ? Effect.map(decision, (made) => told(use, judged, made))
          : told(use, judged, decision)
      },
      verdict: (app, operation) => decide(policy.current, { app, operation }),
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
      }
    }
  })
)
