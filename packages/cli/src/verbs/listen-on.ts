// `--listen [APP=]SOCKET`, and what a gate listens at besides: the sockets that the policy gives to apps, and those that systemd
// hands over.
import { didYouMean } from "@gripgate/policy/file/suggest"
import type { Policy } from "@gripgate/policy/policy"
import type { Passed } from "@gripgate/proxy/listen/activation"
import type { Paths } from "@gripgate/proxy/paths"
import type { ListenOn } from "@gripgate/proxy/settings"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import { type Failure, usageError } from "../failure.ts"
import { quoted } from "../usage.ts"
import { passedSockets } from "./passed-sockets.ts"

/**
 * All sockets of a gate. Without a socket for whoever is no app, neither named nor left to the standard, only apps can reach
 * it. An app has the socket of the policy, unless --listen names another for it, or one was handed over for it. `instead` stands
 * for the standard one; so does a socket for whoever is no app that was handed over.
 */
export const listenOn = Effect.fnUntraced(function*(
  flags: ReadonlyArray<string>,
  policy: Policy,
  paths: Paths,
  passed: ReadonlyArray<Passed>,
  instead: ReadonlyArray<ListenOn> = []
): Effect.fn.Return<ReadonlyArray<ListenOn>, CliError.ShowHelp | Failure> {
  const named = flags.map(parse)
  for (const [i, { app, path }] of named.entries()) {
    if (path === undefined) {
      return yield* usageError("serve", "--listen needs a socket", "--listen SOCKET, or --listen APP=SOCKET")
    }
    if (app === undefined || policy.apps.has(app)) continue
    const hint = didYouMean(app, [...policy.apps.keys()]) ?? `for a path with a = in it write ./${flags[i]}`
    return yield* usageError("serve", `--listen ${flags[i]}: the policy has no app ${quoted(app)}`, hint)
  }
  const open = policy.gate.access
  const handed = yield* passedSockets(passed, policy)
  const sockets: Array<ListenOn> = [
    ...handed,
    ...instead,
    ...named.map(({ app, path }) => app === undefined ? { path: path!, ...open } : { path: path!, app })
  ]
  if (sockets.every(({ app, fd, origin }) => fd !== undefined && (app !== undefined || origin !== undefined))) {
    for (const name of policy.gate.sockets ?? [paths.listenSocket]) {
      sockets.push({ path: paths.openSocket(name), ...open })
    }
  }
  for (const { name, socket } of policy.apps.values()) {
    const has = sockets.some(({ app }) => app === name)
    if (has || socket === undefined) continue
    const { group, mode } = socket
    sockets.push({ path: paths.appSocket(socket.name), app: name, mode, ...group !== undefined && { group } })
  }
  const twice = sockets.find(({ path }, i) => sockets.findIndex((other) => other.path === path) < i)
  if (twice !== undefined) return yield* usageError("serve", `${twice.path} would be listened at twice`)
  return sockets
})

/** Before the first `=` stands an app, if it could be the name of one; a path that is not may contain any. */
const parse = (flag: string): { readonly app?: string; readonly path: string | undefined } => {
  const [, app, socket] = /^([a-z0-9][a-z0-9_-]*)=(.*)$/s.exec(flag) ?? []
  const path = socket ?? flag
  return { path: path === "" ? undefined : resolve(path), ...app !== undefined && { app } }
}
