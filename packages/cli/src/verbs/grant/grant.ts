// `gripgate grant`: a token for an app. First it is planned, so that mistakes come before anything is typed.
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { askGate, controlPath } from "../control.ts"
import type { ControlFlags } from "../control.ts"
import { handOut, lookAtStdout } from "./hand-out.ts"
import type { SourceFlags } from "./passphrases.ts"
import { withPassphrases } from "./passphrases.ts"
import { keysOf, limitOf, operationsOf, sourceOf, timeOf, usesOf } from "./terms.ts"
import { printMade, printNotes } from "./told.ts"

export interface GrantOptions extends ControlFlags, SourceFlags {
  readonly app: string
  readonly key: ReadonlyArray<string>
  readonly operations: string | undefined
  readonly for: string | undefined
  readonly uses: number | undefined
  readonly limit: string | undefined
  readonly noSeal: boolean
}

/** Makes a grant and prints its token. One whose token does not arrive is taken back. */
export const grant = Effect.fnUntraced(function*(
  options: GrantOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const { app, json, noSeal } = options
  const wanted = yield* keysOf(options.key)
  const operations = yield* operationsOf("grant", options.operations)
  const time = options.for === undefined ? null : yield* timeOf("grant", options.for)
  const uses = yield* usesOf("grant", options.uses)
  const limit = yield* limitOf(options.limit)
  yield* sourceOf("grant", options, !noSeal)
  yield* lookAtStdout
  const wish = { app, seal: !noSeal, ...operations !== undefined && { operations } }
  const plan = yield* askGate(options, { verb: "plan", what: { ...wish, keys: wanted } })
  yield* printNotes(plan)
  const request = {
    verb: "grant" as const,
    ...wish,
    keys: plan.keys.map(({ keygrip }) => keygrip),
    ...time !== null && { forMs: time },
    ...uses !== undefined && { uses },
    ...limit !== undefined && { limit }
  }
  const { result, token } = yield* withPassphrases<"grant">(controlPath(options), plan, options, request)
  const { id } = result.grant
  const lost = askGate(options, { verb: "revoke", what: { id } }).pipe(
    Effect.as(failure(exitCode.failed, `stdout did not take the token, so the grant ${id} is revoked again`)),
    Effect.catch(() => {
      const what = `stdout did not take the token, and the grant ${id} could not be revoked`
      return Effect.succeed(failure(exitCode.failed, what, `gripgate revoke ${id}`))
    })
  )
  yield* handOut(token, result.grant, json, lost)
  yield* printMade(options, result.grant)
})
