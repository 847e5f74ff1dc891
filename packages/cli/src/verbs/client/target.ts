// What an app's name stands for to the verbs that set up a client: the socket that it is to use, and whose keys.
import { didYouMean } from "@gripgate/policy/file/suggest"
import { harmless } from "@gripgate/policy/harmless"
import type { App, Policy } from "@gripgate/policy/policy"
import type { Paths } from "@gripgate/proxy/paths"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { isAbsolute, resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, usageError } from "../../failure.ts"
import { printError } from "../../output.ts"
import { quoted } from "../../usage.ts"
import { choosePolicy, readPolicy, standardPaths } from "../policy-source.ts"

/** The flags that say which gate and which owner are meant. */
export interface TargetFlags {
  readonly policy: string | undefined
  readonly homedir: string | undefined
  readonly socket: string | undefined
  readonly state: string | undefined
}

export interface Target {
  readonly app: string
  /** Absolute. */
  readonly socket: string
  /** Whether connecting there makes anybody this app. */
  readonly owns: boolean
  /** Whether the socket's folder is there for it alone. */
  readonly ownFolder: boolean
  /** The owner's homedir, if a flag or the policy names one. */
  readonly homedir: string | undefined
}

/** The policy that is in a file, and where the gate's things lie. */
export interface Setting {
  readonly policy: Policy
  readonly paths: Paths
}

/** What flags say of the policy and the places. */
export const settingOf = Effect.fnUntraced(function*(
  verb: string,
  flags: TargetFlags
): Effect.fn.Return<Setting, Failure | CliError.ShowHelp> {
  const { source } = yield* choosePolicy(verb, { policy: flags.policy, default: undefined })
  return { policy: yield* readPolicy(source), paths: standardPaths(flags.state) }
})

/** The app of the policy by this name. */
const appOf = (verb: string, { paths, policy }: Setting, name: string): Effect.Effect<App, CliError.ShowHelp> => {
  const found = policy.apps.get(name)
  if (found !== undefined) return Effect.succeed(found)
  const known = [ANYONE, ...policy.apps.keys()]
  const hint = policy.file === undefined
    ? `there is no policy at ${paths.policyFile}; [apps.${isName(name) ? name : "NAME"}] in it makes an app`
    : didYouMean(name, known) ?? `known here are ${known.slice(0, 20).map(harmless).join(", ")}`
  return Effect.fail(usageError(verb, `the policy has no app ${quoted(name)}`, hint))
}

/** The name of whoever is no app, which no app can have. */
export const ANYONE = "anyone"

/** Names as a policy has them (packages/policy/src/file/app.ts). */
export const isName = (name: string): boolean => /^[a-z0-9][a-z0-9_-]*$/.test(name)

/** The socket for an app: the one that a flag names, its own, else the open one, where it has to be recognised otherwise. */
export const targetOf = Effect.fnUntraced(function*(
  verb: string,
  setting: Setting,
  name: string,
  flags: TargetFlags
): Effect.fn.Return<Target, CliError.ShowHelp> {
  const { paths, policy } = setting
  const own = name === ANYONE ? undefined : (yield* appOf(verb, setting, name)).socket
  const homedir = flags.homedir ?? policy.gate.homedir
  const at = (socket: string, owns: boolean, ownFolder = false): Target => ({
    app: name,
    socket,
    owns,
    ownFolder,
    homedir
  })
  const given = flags.socket === undefined ? undefined : resolve(flags.socket)
  if (own !== undefined) {
    const socket = paths.appSocket(own.name)
    if (given === undefined || given === socket) return at(socket, true, !isAbsolute(own.name))
  }
  const [open = paths.listenSocket] = policy.gate.sockets ?? []
  return given === undefined ? at(paths.openSocket(open), false) : at(given, name !== ANYONE)
})

/** Says it where a homedir alone makes nobody this app. */
export const tellNotOwned = ({ app, owns, socket }: Target): Effect.Effect<void> =>
  owns || app === ANYONE
    ? Effect.void
    : printNote(
      `the app ${app} has no socket of its own: at ${socket} the gate goes by its \`match\`, and a homedir makes nobody this app`
    )

/** `gripgate: note: ...` on stderr. */
export const printNote = (text: string): Effect.Effect<void> => printError(`gripgate: note: ${harmless(text)}`)

/** A failure of the packages below, which tell what is wrong and what to do. */
export const failureOf = (
  { hint, message }: { readonly message: string; readonly hint?: string | undefined }
): Failure => failure(exitCode.failed, harmless(message), hint === undefined ? undefined : harmless(hint))
