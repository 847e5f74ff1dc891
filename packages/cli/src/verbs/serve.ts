// `gripgate serve`: a gate in the foreground, until a signal ends it. It turns flags into settings and signals into calls; what
// a gate does is in @gripgate/proxy.
import { standInPlaces } from "@gripgate/deploy/stand-in/places"
import { type StandIn, standIn } from "@gripgate/deploy/stand-in/stand-in"
import { otherSockets, type Policy } from "@gripgate/policy/policy"
import { startGate } from "@gripgate/proxy/gate"
import { harden } from "@gripgate/proxy/harden"
import { limitsOf } from "@gripgate/proxy/limits"
import { takePassed } from "@gripgate/proxy/listen/activation"
import { LogService } from "@gripgate/proxy/log"
import { notify } from "@gripgate/proxy/notify"
import { reasonOf } from "@gripgate/proxy/reason"
import type { GateSettings } from "@gripgate/proxy/settings"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { resolve } from "node:path"
import { exitCode } from "../exit-code.ts"
import { Failure, failure, usageError } from "../failure.ts"
import { signalCode, stopSignal } from "../signals.ts"
import { version } from "../version.ts"
import { listenOn } from "./listen-on.ts"
import { badPolicy, choosePolicy, type PolicyFlags, readPolicy, standardPaths } from "./policy-source.ts"
import { greet } from "./serve-greeting.ts"
import { answerHere } from "./serve-terminal/serve-terminal.ts"

export interface ServeOptions extends PolicyFlags {
  readonly homedir: string | undefined
  readonly upstream: string | undefined
  readonly standIn: boolean
  readonly listen: ReadonlyArray<string>
  readonly state: string | undefined
  readonly control: string | undefined
  readonly verbose: boolean
}

/** Serves until SIGTERM or SIGINT, and then returns; a second SIGINT ends the process at once. */
export const serve = (options: ServeOptions): Effect.Effect<void, Failure | CliError.ShowHelp> => {
  const stop = stopSignal(["SIGINT", "SIGTERM"], () => process.exit(signalCode.SIGINT))
  const gate = Effect.scoped(run(options)).pipe(Effect.provide(LogService.layer({ level: options.verbose ? 7 : 6 })))
  return Effect.asVoid(Effect.raceFirst(gate, stop))
}

const run = Effect.fnUntraced(function*(
  options: ServeOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp, Scope.Scope | LogService> {
  const log = yield* LogService
  harden(log)
  // before anything is started that would get the variables
  const passed = yield* Effect.mapError(
    takePassed(process.env, process.pid),
    ({ hint, message }) => failure(exitCode.failed, message, hint)
  )
  const hangups = yield* Queue.sliding<"SIGHUP">(1)
  const onHangup = () => void Queue.offerUnsafe(hangups, "SIGHUP")
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", onHangup)),
    () => Effect.sync(() => process.off("SIGHUP", onHangup))
  )

  const { chosen, source } = yield* choosePolicy("serve", options)
  const paths = standardPaths(options.state)
  const policy = yield* readPolicy(source)
  const homedir = options.homedir ?? policy.gate.homedir
  const upstream = options.upstream ?? policy.gate.upstream
  const instead = options.standIn ? yield* standingIn(homedir, upstream, policy) : undefined
  const settings: GateSettings = {
    version,
    ...homedir !== undefined && { homedir },
    ...upstream !== undefined && { upstream },
    ...instead !== undefined && { behind: instead.behind },
    listen: yield* listenOn(options.listen, policy, paths, passed, instead?.listen),
    policy: source,
    state: resolve(options.state ?? paths.stateDir),
    control: resolve(options.control ?? paths.controlSocket),
    verbose: options.verbose
  }
  const gate = yield* Effect.mapError(startGate(settings, limitsOf(policy)), startFailure)
  yield* greet({ settings, gate, chosen, policyFile: paths.policyFile })
  yield* answerHere(gate.desk, gate.owner)
  yield* notify("READY=1")
  yield* Effect.addFinalizer(() => {
    log.write(5, "stopping: running commands may finish")
    return notify("STOPPING=1")
  })
  return yield* Effect.forever(Effect.gen(function*() {
    yield* Queue.take(hangups)
    yield* notify("RELOADING=1")
    yield* gate.reload
    yield* notify("READY=1")
  }))
})

/** What standing in takes; the agent's socket cannot be named as well. */
const standingIn = Effect.fnUntraced(function*(
  homedir: string | undefined,
  upstream: string | undefined,
  policy: Policy
): Effect.fn.Return<StandIn, Failure | CliError.ShowHelp, LogService> {
  if (upstream !== undefined) {
    const hint = "the gate has the agent's place, and the agent is beside it: leave upstream out"
    return yield* usageError("serve", `--stand-in and an upstream (${upstream}) exclude each other`, hint)
  }
  const places = yield* Effect.mapError(
    standInPlaces(homedir),
    ({ hint, message }) => failure(exitCode.unavailable, message, hint)
  )
  return standIn(places, otherSockets(policy), yield* LogService)
})

/** Every way in which a gate does not come to serve, as an exit code. */
export const startFailure = (error: Effect.Error<ReturnType<typeof startGate>>): Failure => {
  switch (error._tag) {
    case "PolicyProblems":
      return badPolicy(error)
    case "BehindError":
    case "LocateError":
      return failure(exitCode.unavailable, error.message, error.hint)
    case "NothingToServe":
      return failure(exitCode.usage, error.message)
    case "LeadsToItself":
      return failure(exitCode.usage, error.message, "name the agent's own socket with --upstream SOCKET")
    default:
      return failure(isForbidden(error.message) ? exitCode.notPermitted : exitCode.failed, error.message, error.hint)
  }
}

// The errors of locks and sockets carry what the system said, and it is the system's words that tell these apart.
const isForbidden = (message: string): boolean => ["EACCES", "EPERM"].some((code) => message.endsWith(reasonOf(code)))
