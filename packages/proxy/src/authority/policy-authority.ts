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

const permit: Permit = { alive: () => true }

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

    const settle = (use: Use, judged: Judged): Effect.Effect<Permit, Refusal> => {
      switch (judged.verdict) {
        case "allow":
          return Effect.succeed(permit)
        case "forbid":
          return Effect.fail(forbidden(use, judged, ""))
        case "ask":
          return Effect.flatMap(approver.ask(use), (answer) => {
            switch (answer) {
              case "once":
                return Effect.succeed(permit)
              case "no":
                return Effect.fail(refusal(gpgError.CANCELED, `${entryText(judged.entry)}, and the owner said no`))
              case "timeout":
                return Effect.fail(
                  refusal(gpgError.TIMEOUT, `${entryText(judged.entry)}, and there was no answer in time`)
                )
              case "unavailable":
                return Effect.fail(forbidden(use, judged, ", and there is no way to ask the owner"))
            }
          })
        case "token":
          return Effect.flatMap(grants.covers(use), (covered) =>
            covered
              ? Effect.succeed(permit)
              : Effect.fail(forbidden(use, judged, ", and no token was presented")))
      }
    }

    const decideUse = (use: Use): Effect.Effect<Permit, Refusal> => {
      if (closed) return Effect.fail(refusal(gpgError.NO_AGENT, "the gate stops"))
      if (use.keygrips.some((grip) => !keys.visible(use.app, grip))) {
        return Effect.fail(refusal(gpgError.NO_SECKEY, "the key is not among those of this client"))
      }
      if (use.operations.length === 0) return Effect.succeed(permit)
      const judged = judge(use)
      return Effect.tap(settle(use, judged), () => Effect.sync(() => journal.allowed(use, judged.entry)))
    }

    return {
      permit: (use) => Effect.tapError(decideUse(use), (no) => Effect.sync(() => journal.refused(use, no))),
      verdict: (app, operation) => decide(policy.current, { app, operation }),
      close: () => {
        closed = true
      }
    }
  })
)
