// `gripgate uninstall`: takes away what install made, whichever version that was.
import { systemFolders } from "@gripgate/deploy/units/install-system"
import { userFolders } from "@gripgate/deploy/units/install-user"
import { planUninstall } from "@gripgate/deploy/units/plan"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { homedir } from "node:os"
import { resolve } from "node:path"
import type { Failure } from "../../failure.ts"
import { carryOut, systemFailure, type UnitOptions, whoseOf } from "./carry-out.ts"

export const uninstall = Effect.fnUntraced(function*(
  options: UnitOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const whose = yield* whoseOf("uninstall", options)
  const root = options.root === undefined ? undefined : resolve(options.root)
  const folders = whose === "user" ? userFolders({ env: process.env, home: homedir(), root }) : systemFolders(root)
  const plan = yield* Effect.try({
    try: () => planUninstall({ whose, folders }),
    catch: systemFailure("cannot look at", whose)
  })
  yield* carryOut("uninstall", whose, plan, options)
})
