// `gripgate run`: a command that is an app, with all that it starts, in a sandbox. What is hidden from it is decided here; how it is
// hidden, in @gripgate/deploy.
import { agentInfo } from "@gripgate/deploy/agent-info"
import { gnupgPlaces } from "@gripgate/deploy/gnupg-places"
import { dataDir, ownerHomedir } from "@gripgate/deploy/home/place"
import { type Bubblewrap, findBubblewrap } from "@gripgate/deploy/sandbox/bubblewrap"
import { SOCKET_INSIDE } from "@gripgate/deploy/sandbox/bwrap-args"
import { sandboxEnvironment } from "@gripgate/deploy/sandbox/environment"
import { confineAbstract, launch, launchBare } from "@gripgate/deploy/sandbox/launch"
import { changedSince, prepare, type Prepared, type Wish } from "@gripgate/deploy/sandbox/prepare"
import { paths as pathsOf } from "@gripgate/proxy/paths"
import { reasonOf } from "@gripgate/proxy/reason"
import { followRedirects } from "@gripgate/proxy/upstream/redirect"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { homedir } from "node:os"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, quietly, usageError } from "../../failure.ts"
import { printError } from "../../output.ts"
import { standardPaths } from "../policy-source.ts"
import { gateListens } from "./gate-listens.ts"
import { makeHome, standardHomes } from "./home.ts"
import {
  ANYONE,
  failureOf,
  printNote,
  type Setting,
  settingOf,
  type Target,
  type TargetFlags,
  targetOf
} from "./target.ts"

export interface RunOptions extends TargetFlags {
  readonly app: string
  readonly command: ReadonlyArray<string>
  readonly write: ReadonlyArray<string>
  readonly hide: ReadonlyArray<string>
  readonly control: string | undefined
  readonly requireSandbox: boolean
  readonly shareNet: boolean
}

/** Runs the command and ends with its exit code. */
export const run = Effect.fnUntraced(function*(
  options: RunOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  if (options.command.length === 0) {
    return yield* usageError("run", "COMMAND is missing", "gripgate run APP -- COMMAND ...")
  }
  const setting = yield* settingOf("run", options)
  const target = yield* targetOf("run", setting, options.app, options)
  if (target.app === ANYONE) {
    return yield* usageError("run", "a command in a sandbox is an app, and anyone is none", "name an app of the policy")
  }
  if (!target.owns) {
    return yield* failure(
      exitCode.failed,
      `the app ${target.app} has no socket of its own, so that nothing would make the command this app`,
      `give it one in the policy, and start the gate anew: socket = "${target.app}"`
    )
  }
  const workIn = yield* Effect.try({
    try: () => process.cwd(),
    catch: (error) =>
      failure(exitCode.failed, `there is no working directory: ${reasonOf(error)}`, "cd to another folder")
  })
  yield* gateListens(target.socket)
  const bubblewrap = yield* findBubblewrap
  const code = typeof bubblewrap === "string"
    ? yield* withoutSandbox(target, options, bubblewrap)
    : yield* inSandbox(bubblewrap, setting, target, workIn, options)
  if (code !== 0) return yield* quietly(code)
})

const inSandbox = Effect.fnUntraced(function*(
  bubblewrap: Bubblewrap,
  setting: Setting,
  target: Target,
  workIn: string,
  options: RunOptions
): Effect.fn.Return<number, Failure> {
  const owner = yield* Effect.mapError(ownerHomedir(target.homedir), failureOf)
  const { agent, browser, extra, ssh } = yield* Effect.mapError(gnupgPlaces(owner), failureOf)
  const led = followRedirects(agent, process.env)
  const ofAgent = [agent, extra, browser, ssh, ...Result.isSuccess(led) ? [led.success] : []]
  const named = wishOf(setting, target, owner, options)
  const wish: Wish = { ...named, workIn, sockets: [...named.sockets, ...ofAgent.filter((path) => path !== "")] }
  const info = agentInfo(SOCKET_INSIDE)
  let shareNet: boolean | undefined
  for (;;) {
    const prepared = yield* Effect.mapError(prepare(wish), failureOf)
    if (shareNet === undefined) {
      yield* Effect.forEach(prepared.notes, printNote, { discard: true })
      shareNet = yield* network(bubblewrap, prepared, options)
    }
    const env = sandboxEnvironment(process.env, {
      GNUPGHOME: prepared.sandbox.gnupgHome,
      ...info !== undefined && { GPG_AGENT_INFO: info }
    })
    const command = { argv: options.command, env }
    const ending = yield* Effect.mapError(launch(bubblewrap, prepared, shareNet, command), failureOf)
    if (ending !== undefined) return ending
    const changed = changedSince(prepared)
    if (changed === undefined) return yield* failure(exitCode.failed, "bubblewrap could not make the sandbox")
    yield* printNote(`${changed} went away just then; once more`)
  }
})

/** Everything of the gate's and of GnuPG's, wherever flags and variables put it. */
const wishOf = (
  { paths, policy }: Setting,
  { app, ownFolder, socket }: Target,
  owner: string,
  options: RunOptions
): Omit<Wish, "workIn"> => {
  const { GNUPGHOME, HOME, XDG_RUNTIME_DIR } = process.env
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : homedir()
  const ordinary = join(home, ".gnupg")
  const user = standardPaths()
  const system = pathsOf({ env: {}, uid: 0, home: "/" })
  const own = [user, system, paths]
  const control = options.control === undefined ? [] : [resolve(options.control)]
  const named = policy.gate.sockets ?? [paths.listenSocket]
  const others = [...policy.apps.values()].filter(({ name }) => name !== app).flatMap(({ socket }) => socket ?? [])
  return {
    socket,
    ownFolder,
    homedir: owner,
    gnupgHome: GNUPGHOME !== undefined && GNUPGHOME !== "" ? resolve(GNUPGHOME) : ordinary,
    home,
    writable: options.write.map((folder) => resolve(folder)),
    hide: options.hide.map((folder) => resolve(folder)),
    hidden: {
      folders: [
        ordinary,
        ...own.flatMap(({ policyFile, runDir, stateDir }) => [dirname(policyFile), stateDir, runDir]),
        dataDir({ env: process.env, home: homedir() }),
        ...XDG_RUNTIME_DIR !== undefined && isAbsolute(XDG_RUNTIME_DIR) ? [XDG_RUNTIME_DIR] : []
      ],
      files: policy.file === undefined ? [] : [resolve(policy.file)]
    },
    sockets: [
      ...control,
      ...named.map((name) => paths.openSocket(name)),
      ...others.map(({ name }) => paths.appSocket(name)),
      ...policy.gate.upstream === undefined ? [] : [resolve(policy.gate.upstream)],
      // with the folder of such a socket, a homedir as a rule, its private keys are hidden too
      ...policy.upstreams.flatMap(({ socket }) => socket === undefined ? [] : [resolve(socket)])
    ]
  }
}

/** Whether the command has the network; where it would bring the owner's abstract sockets with it, only if somebody says so. */
const network = Effect.fnUntraced(function*(
  bubblewrap: Bubblewrap,
  { abstract }: Prepared,
  { shareNet }: RunOptions
): Effect.fn.Return<boolean> {
  const why = confineAbstract(bubblewrap)
  if (why === undefined || abstract.length === 0) return true
  const names = abstract.slice(0, 3).map((name) => `@${name}`).join(", ") + (abstract.length > 3 ? ", ..." : "")
  yield* printNote(
    shareNet
      ? `the command reaches sockets without a path, of your session too (${names}): ${why}`
      : `the command has no network, since with it come sockets without a path, of your session too (${names}): ${why}. `
        + "--share-net gives it both"
  )
  return shareNet
})

const exposed = [
  "the private keys and the agent's own socket",
  "the policy, the gate's store and its control socket",
  "the session bus, the display, and other processes of yours"
]

/** The homedir alone: honest programs are the app, and nothing hinders others. */
const withoutSandbox = Effect.fnUntraced(function*(
  target: Target,
  { command, requireSandbox }: RunOptions,
  why: string
): Effect.fn.Return<number, Failure> {
  const cannot = `bubblewrap cannot be used: ${why}`
  if (requireSandbox) return yield* failure(exitCode.failed, cannot, "install it (Debian: apt-get install bubblewrap)")
  const { dir } = yield* makeHome(target, join(standardHomes(), target.app), { refresh: false, keys: undefined })
  yield* printError(`gripgate: warning: ${cannot}`)
  yield* printError("gripgate: warning: so only GNUPGHOME makes the command this app. It could also reach")
  for (const what of exposed) yield* printError(`gripgate: warning:   ${what}`)
  yield* printError(
    "gripgate: hint: install it (Debian: apt-get install bubblewrap); --require-sandbox refuses without"
  )
  const info = agentInfo(target.socket)
  const env: Record<string, string> = { GNUPGHOME: dir, ...info !== undefined && { GPG_AGENT_INFO: info } }
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] ??= value
  return (yield* Effect.mapError(launchBare({ argv: command, env }), failureOf)) ?? exitCode.failed
})
