// `gripgate stand-down`: sets back what a gate that stood in, and was killed, has left.
import { standInPlaces } from "@gripgate/deploy/stand-in/places"
import { standDown as setBack } from "@gripgate/deploy/stand-in/stand-down"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure } from "../failure.ts"
import { print, printJson } from "../output.ts"
import { choosePolicy, type PolicyFlags, readPolicy } from "./policy-source.ts"
import { quietLog } from "./quiet-log.ts"

export interface StandDownOptions extends PolicyFlags {
  readonly homedir: string | undefined
  readonly json: boolean
}

/** Sets back, and says what was done. */
export const standDown = Effect.fnUntraced(function*(
  options: StandDownOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const { source } = yield* choosePolicy("stand-down", options)
  // where the homedir is named, no policy has to be readable: it may be what is wrong
  const homedir = options.homedir ?? (yield* readPolicy(source)).gate.homedir
  const done = yield* standInPlaces(homedir).pipe(
    Effect.flatMap(setBack),
    Effect.mapError(({ hint, message }) => failure(exitCode.failed, message, hint)),
    Effect.provide(quietLog)
  )
  if (options.json) return yield* printJson({ v: 1, done })
  yield* print(
    done.length === 0 ? "nothing to set back: no gate has left anything at the agent's place" : done.join("\n")
  )
})
