// `gripgate grants`: what the owner has allowed or refused beyond one use.
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { grantScreen, grantsScreen } from "../screens/grants.ts"
import { askGate, type ControlFlags, idOf } from "./control.ts"
import { stdoutView } from "./view.ts"

export interface GrantsOptions extends ControlFlags {
  readonly id: string | undefined
}

/** Prints all of them, or one. */
export const grants = Effect.fnUntraced(function*(
  options: GrantsOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  if (options.id === undefined) {
    const all = yield* askGate(options, { verb: "grants" })
    return yield* options.json ? printJson(all) : printLines(grantsScreen(all, yield* stdoutView))
  }
  const id = yield* idOf("grants", options.id)
  const [grant] = yield* askGate(options, { verb: "grants", id })
  if (grant === undefined) return yield* failure(exitCode.failed, `there is no grant ${id}`)
  yield* options.json ? printJson(grant) : printLines(grantScreen(grant, yield* stdoutView))
})
