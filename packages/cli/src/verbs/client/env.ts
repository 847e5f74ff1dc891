// `gripgate env`: lines for a shell that point its programs at an app's homedir and socket.
import { agentInfo } from "@gripgate/deploy/agent-info"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { join, resolve } from "node:path"
import type { Failure } from "../../failure.ts"
import { print, printJson } from "../../output.ts"
import { exportLine, type Shell } from "./export-line.ts"
import { makeHome, standardHomes } from "./home.ts"

import { printNote, settingOf, type TargetFlags, targetOf, tellNotOwned } from "./target.ts"

export interface EnvOptions extends TargetFlags {
  readonly app: string
  readonly dir: string | undefined
  readonly shell: Shell
  /** gpg 1.4 alone, which has keys of its own. */
  readonly gpg1: boolean
  readonly json: boolean
}

/** Prints the lines; the homedir is made where there is none. */
export const env = Effect.fnUntraced(function*(
  options: EnvOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const target = yield* targetOf("env", yield* settingOf("env", options), options.app, options)
  yield* tellNotOwned(target)
  const variables = new Map<string, string>()
  if (!options.gpg1) {
    const dir = options.dir === undefined ? join(standardHomes(), target.app) : resolve(options.dir)
    variables.set("GNUPGHOME", (yield* makeHome(target, dir, { refresh: false, keys: undefined })).dir)
  }
  const info = agentInfo(target.socket)
  if (info === undefined) {
    yield* printNote(`GPG_AGENT_INFO cannot name a path with a colon, so gpg 1.4 and 2.0 do not find ${target.socket}`)
  } else variables.set("GPG_AGENT_INFO", info)
  if (options.json) {
    return yield* printJson({ v: 1, app: target.app, socket: target.socket, env: Object.fromEntries(variables) })
  }
  for (const [name, value] of variables) yield* print(exportLine(options.shell, name, value))
})
