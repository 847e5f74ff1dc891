// `gripgate renew`: more time, or more uses, for a grant with a token.
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { type Failure, usageError } from "../../failure.ts"
import { printJson, printLines } from "../../output.ts"
import { renewedScreen } from "../../screens/made.ts"
import { askGate, type ControlFlags, idOf } from "../control.ts"
import { stdoutView } from "../view.ts"
import { timeOf, usesOf } from "./terms.ts"

export interface RenewOptions extends ControlFlags {
  readonly id: string
  readonly for: string | undefined
  readonly uses: number | undefined
}

/** Makes a grant good for so long from now. */
export const renew = Effect.fnUntraced(function*(
  options: RenewOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const id = yield* idOf("renew", options.id)
  if (options.for === undefined) {
    return yield* usageError("renew", "--for is missing: how long, from now on", "--for 90d, or --for always")
  }
  const forMs = yield* timeOf("renew", options.for)
  const uses = yield* usesOf("renew", options.uses)
  const { grant } = yield* askGate(options, { verb: "renew", id, forMs, ...uses !== undefined && { uses } })
  yield* options.json ? printJson(grant) : printLines(renewedScreen(grant, yield* stdoutView))
})
