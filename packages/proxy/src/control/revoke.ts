// Taking grants back, those that are answers and those with a token: by name, of an app, or all.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { By } from "../approve/question.ts"
import type { GrantStore } from "../grant/grant-store.ts"
import type { Grant } from "../grant/grant.ts"
import type { TokenGrant } from "../grant/token-grant.ts"
import type { Log } from "../log.ts"
import { readShortId } from "../short-id.ts"
import type { Revoked } from "./message/granted.ts"
import type { RequestOf } from "./message/request.ts"
import { type ControlProblem, noGrant, refused } from "./problem.ts"

/** The grants with a token. */
export interface TokenGrants {
  /** All in force, and those that ended not long ago, in the order in which they were made. */
  readonly all: () => ReadonlyArray<TokenGrant>
  readonly get: (id: string) => TokenGrant | undefined
  readonly isLive: (grant: TokenGrant) => boolean
  /** Out of force at once, and written down when this is done; fails with a sentence that names those that could not be. */
  readonly revoke: (grants: ReadonlyArray<TokenGrant>, by: By) => Effect.Effect<void, string>
}

export interface RevokeServices {
  readonly grants: GrantStore["Service"]
  readonly tokens: TokenGrants
  readonly log: Log
}

interface Chosen {
  readonly answers: ReadonlyArray<Grant>
  readonly tokens: ReadonlyArray<TokenGrant>
}

/** Takes them back. What refuses is taken back by its own name only: the other ways make stricter and never more lenient. */
export const revoke = (
  { grants, log, tokens }: RevokeServices,
  what: RequestOf<"revoke">["what"],
  by: By
): Effect.Effect<Revoked, ControlProblem> => {
  // or has been, which is not written yet: a restart would bring it back
  const canBe = (grant: Grant) => grants.isLive(grant) || grant.unwritten === true
  const tokenCanBe = (grant: TokenGrant) => tokens.isLive(grant) || grant.unwritten === true

  const choose = (): Chosen | ControlProblem => {
    if (!("id" in what)) {
      const isOf = (app: string | undefined) => "all" in what || app === what.app
      return {
        answers: grants.all().filter((grant) => canBe(grant) && isOf(appOf(grant))),
        tokens: tokens.all().filter((grant) => tokenCanBe(grant) && isOf(grant.app))
      }
    }
    const id = readShortId(what.id)
    const [answer, token] = [grants.get(id), tokens.get(id)]
    if (answer === undefined && token === undefined) return noGrant(what.id)
    const chosen = {
      answers: answer !== undefined && canBe(answer) ? [answer] : [],
      tokens: token !== undefined && tokenCanBe(token) ? [token] : []
    }
    const none = chosen.answers.length === 0 && chosen.tokens.length === 0
    return none ? refused(`the grant ${id} is not in force any more`) : chosen
  }

  return Effect.suspend(() => {
    const chosen = choose()
    if ("fault" in chosen) return Effect.fail(chosen)
    const answers = "id" in what ? chosen.answers : chosen.answers.filter(({ answer }) => answer === "yes")
    const taken = [...answers, ...chosen.tokens]
    return Effect.gen(function*() {
      // both to their end: what the one disk does not take, the other may
      const results = yield* Effect.uninterruptible(Effect.all([
        Effect.result(grants.revoke(answers, by)),
        Effect.result(tokens.revoke(chosen.tokens, by))
      ]))
      for (const { id, unwritten } of taken) if (unwritten !== true) log.write(5, `the grant ${id} is revoked`)
      const errors = results.flatMap((result) => Result.isFailure(result) ? [result.failure] : [])
      if (errors.length > 0) {
        for (const error of errors) log.write(3, error)
        return yield* Effect.fail(refused(errors.join("\n"), "see to the disk, then revoke again"))
      }
      const standing = chosen.answers.filter((grant) => grants.isLive(grant)).map(({ id }) => id)
      return { revoked: taken.map(({ id }) => id), standing }
    })
  })
}

const appOf = ({ holder }: Grant): string | undefined => holder.kind === "app" ? holder.app : undefined
