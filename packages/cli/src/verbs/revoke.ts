// `gripgate revoke`: takes grants back.
import type { RequestOf } from "@gripgate/proxy/control/message/request"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { type Failure, usageError } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { revokedScreen } from "../screens/grants.ts"
import { askGate, type ControlFlags, idOf } from "./control.ts"
import { stdoutView } from "./view.ts"

export interface RevokeOptions extends ControlFlags {
  readonly id: string | undefined
  readonly app: string | undefined
  readonly all: boolean
}

type What = RequestOf<"revoke">["what"]

/** Takes back one grant, those of an app, or all, and says what stands all the same. */
export const revoke = Effect.fnUntraced(function*(
  options: RevokeOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const what = yield* whatOf(options)
  const revoked = yield* askGate(options, { verb: "revoke", what })
  if (options.json) return yield* printJson(revoked)
  yield* printLines(revokedScreen(revoked, "app" in what ? what.app : undefined, yield* stdoutView))
})

const whatOf = Effect.fnUntraced(function*(
  { all, app, id }: RevokeOptions
): Effect.fn.Return<What, CliError.ShowHelp> {
  const named: ReadonlyArray<What> = [
    ...id === undefined ? [] : [{ id: yield* idOf("revoke", id) }],
    ...app === undefined ? [] : [{ app }],
    ...all ? [{ all: true } as const] : []
  ]
  const [what, other] = named
  if (what === undefined || other !== undefined) {
    return yield* usageError("revoke", "expected one of ID, --app NAME and --all")
  }
  return what
})
