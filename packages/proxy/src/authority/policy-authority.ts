// The authority that the policy gives: visibility first, then the verdict of every operation. `ask` goes to the
// approver, `token` to the grants.
import { decide, names } from "@gripgate/policy/decide"
import type { Entry } from "@gripgate/policy/policy"
import { strictest as strictestOf, type Verdict } from "@gripgate/policy/verdict"
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Operation } from "@gripgate/protocol/operation"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Approver } from "../approve/approver.ts"
import { GrantStore } from "../grant/grant-store.ts"
import { entryText, Journal } from "../journal/journal.ts"
import { KeyDirectory } from "../keys/key-directory.ts"
import { PolicyRef } from "../policy-file.ts"
import { Authority, type Permit, type Refusal, refusal, signatures, type Use } from "./authority.ts"

const permit: Permit = { _tag: "Permit", alive: () => true }

interface Judged {
  readonly verdict: Verdict
  readonly entry: Entry
  readonly operation: Operation
}

export const policyAuthority = Layer.effect(
  Authority,
  Effect.gen(function*() {
    const policy = yield* PolicyRef
    const keys = yield* KeyDirectory
    const approver = yield* Approver
    const grants = yield* GrantStore
    const journal = yield* Journal
    let closed = false

    const judge = (use: Use): Judged => {
      let strictest: Judged | undefined
      for (const operation of use.operations.includes("sign") ? [...use.operations, ...signatures] : use.operations) {
        const { entry, verdict } = decide(policy.current, { app: use.app, operation })
        if (strictest === undefined || strictestOf(strictest.verdict, verdict) !== strictest.verdict) {
          strictest = { verdict, entry, operation }
        }
      }
      return strictest!
    }

    const forbidden = (use: Use, judged: Judged, why: string): Refusal => {
      // gpg probes for a card in ordinary work; it takes this number for "there is none" and says nothing
      const quiet = judged.operation === "card" && !names(policy.current, use.app, "card")
      return refusal(quiet ? gpgError.NO_SCDAEMON : gpgError.FORBIDDEN, `${entryText(judged.entry)}${why}`)
    }

    const settle = (use: Use, judged: Judged): Permit | Refusal | Effect.Effect<Permit | Refusal> => {
      switch (judged.verdict) {
        case "allow":
          return permit
        case "forbid":
          return forbidden(use, judged, "")
        case "ask":
          return Effect.map(approver.ask(use), (answer) => {
            switch (answer) {
              case "once":
                return permit
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
            (covered) => covered ? permit : forbidden(use, judged, ", and no token was presented")
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
        const decision = settle(use, judged)
        return Effect.isEffect(decision)
          ? Effect.map(decision, (made) => told(use, judged, made))
          : told(use, judged, decision)
      },
      verdict: (app, operation) => decide(policy.current, { app, operation }),
      close: () => {
        closed = true
      }
    }
  })
)
