// `gripgate install`: units for a user's own gate, or for that of the system, whose policy says which sockets there are.
import { installSystem, type SystemPolicy } from "@gripgate/deploy/units/install-system"
import type { InstallError } from "@gripgate/deploy/units/install-user"
import { installUser } from "@gripgate/deploy/units/install-user"
import { type NotOurs, planInstall } from "@gripgate/deploy/units/plan"
import { SYSTEM_POLICY } from "@gripgate/deploy/units/system-units"
import type { Policy } from "@gripgate/policy/policy"
import { systemPaths } from "@gripgate/proxy/paths"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { existsSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, usageError } from "../../failure.ts"
import { readPolicy } from "../policy-source.ts"
import { quietLog } from "../quiet-log.ts"
import { carryOut, systemFailure, type UnitOptions, whoseOf } from "./carry-out.ts"

export interface InstallOptions extends UnitOptions {
  readonly standIn: boolean
  readonly homedir: string | undefined
}

export const install = Effect.fnUntraced(function*(
  options: InstallOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const whose = yield* whoseOf("install", options)
  if (whose === "system" && (options.standIn || options.homedir !== undefined)) {
    const flag = options.standIn ? "--stand-in" : "--homedir"
    return yield* usageError("install", `${flag} goes with --user`, "the system's gate has a homedir of its own")
  }
  if (options.homedir === "") return yield* usageError("install", "--homedir needs a value")
  const root = options.root === undefined ? undefined : resolve(options.root)
  const programs = { node: process.execPath, launcher: realpathSync(process.argv[1]!) }
  const wish = yield* Effect.mapError(
    whose === "user"
      ? installUser({ ...options, root, programs, env: process.env, home: homedir() })
      : Effect.flatMap(
        systemPolicy(root),
        (policy) => Effect.fromResult(installSystem({ root, programs, policy }))
      ),
    asFailure
  )
  const planned = yield* Effect.try({ try: () => planInstall(wish), catch: systemFailure("cannot look at", whose) })
  const plan = yield* Effect.mapError(Effect.fromResult(planned), notOurs)
  yield* carryOut("install", whose, plan, options)
})

const notOurs = ({ path }: NotOurs): Failure =>
  failure(
    exitCode.failed,
    `${path} is no file that gripgate wrote, so nothing was changed`,
    "move it away if nothing needs it; what it adds belongs into a drop-in (systemctl edit)"
  )

const asFailure = (error: Failure | InstallError | { readonly message: string; readonly hint?: string | undefined }) =>
  "complaints" in error ? error : failure(exitCode.failed, error.message, error.hint)

/** The policy of the system's gate, where there is one. */
const systemPolicy = Effect.fnUntraced(function*(
  root: string | undefined
): Effect.fn.Return<SystemPolicy | undefined, Failure> {
  const file = join(root ?? "/", SYSTEM_POLICY)
  if (!existsSync(file)) return undefined
  return socketsOf(yield* Effect.provide(readPolicy({ kind: "file", file }), quietLog))
})

const socketsOf = ({ apps, gate }: Policy): SystemPolicy => {
  const sockets = [...apps.values()].flatMap(({ name, socket }) =>
    socket === undefined
      ? []
      : [{ app: name, path: systemPaths.appSocket(socket.name), mode: socket.mode, group: socket.group }]
  )
  const groups = new Set([gate.controlGroup, gate.access.group].filter((group) => group !== undefined))
  return { sockets, groups: [...groups], owned: gate.owners !== undefined && gate.controlGroup !== undefined }
}
