// `gripgate rotate`: another token for a grant.
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { askGate, type ControlFlags, controlPath, idOf } from "../control.ts"
import { handOut, lookAtStdout } from "./hand-out.ts"
import { type SourceFlags, withPassphrases } from "./passphrases.ts"
import { overlapOf, sourceOf } from "./terms.ts"
import { printMade, printNotes } from "./told.ts"

export interface RotateOptions extends ControlFlags, SourceFlags {
  readonly id: string
  readonly overlap: string | undefined
}

/** Makes another token and prints it. Where it does not arrive nobody has it, and the grant stands with the old one's rest. */
export const rotate = Effect.fnUntraced(function*(
  options: RotateOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const id = yield* idOf("rotate", options.id)
  const overlapMs = yield* overlapOf(options.overlap)
  yield* sourceOf("rotate", options)
  yield* lookAtStdout
  const plan = yield* askGate(options, { verb: "plan", what: { id } })
  yield* printNotes(plan)
  const request = { verb: "rotate" as const, id, overlapMs }
  const { result, token } = yield* withPassphrases<"rotate">(controlPath(options), plan, options, request)
  const what = overlapMs === 0 ? "the old one has ended" : "the old one ends as it was said"
  const lost = Effect.succeed(
    failure(exitCode.failed, `stdout did not take the new token, and ${what}`, `for another: gripgate rotate ${id}`)
  )
  yield* handOut(token, result.grant, options.json, lost)
  yield* printMade(options, result.grant)
})
