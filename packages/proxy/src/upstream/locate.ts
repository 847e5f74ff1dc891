// Where the owner's agent listens, and how it is started where none does. GnuPG itself is asked, through gpgconf.
import { MAX_SOCKET_PATH } from "@gripgate/policy/file/socket"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { isUtf8 } from "node:buffer"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { reasonOf } from "../reason.ts"
import { shellWord } from "../shell-word.ts"
import { gpgconf } from "./gpgconf.ts"
import { followRedirects } from "./redirect.ts"

export interface UpstreamSettings {
  /** `--homedir`; GnuPG's own default (`$GNUPGHOME`, `~/.gnupg`) where `undefined`. */
  readonly homedir: string | undefined
  /** `--upstream`: this socket, whoever serves it; never started by the gate. */
  readonly socket: string | undefined
}

/** The agent's socket cannot be told. Whether an agent serves it is another question. */
export class LocateError extends Data.TaggedError("LocateError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** No agent could be started. */
export class LaunchError extends Data.TaggedError("LaunchError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** The agent's socket, with redirect files followed; it need not exist yet. */
export const locate = Effect.fnUntraced(function*(
  settings: UpstreamSettings
): Effect.fn.Return<{ readonly socket: string; readonly mayLaunch: boolean }, LocateError> {
  const named = settings.socket === undefined ? yield* askGpgconf(settings.homedir) : resolve(settings.socket)
  const followed = followRedirects(named, process.env)
  if (Result.isFailure(followed)) return yield* new LocateError({ message: followed.failure })
  const socket = followed.success
  const length = Buffer.byteLength(socket)
  if (length > MAX_SOCKET_PATH) {
    return yield* new LocateError({
      message: `a socket's path has at most ${MAX_SOCKET_PATH} bytes, the agent's has ${length}: ${socket}`,
      hint: "GnuPG cannot use it either: move the homedir to a shorter path"
    })
  }
  return { socket, mayLaunch: settings.socket === undefined }
})

const askGpgconf = Effect.fnUntraced(function*(homedir: string | undefined): Effect.fn.Return<string, LocateError> {
  const args = yield* homedirArgs(homedir)
  // With a name given, the path comes without any escaping (gpgconf(1), --list-dirs), so a NUL must tell where it ends.
  const output = yield* Effect.mapError(
    gpgconf([...args, "--null", "--list-dirs", "agent-socket"]),
    ({ hint, message }) => new LocateError({ message, hint })
  )
  const path = output.subarray(0, Math.max(output.indexOf(0), 0))
  if (path[0] !== 0x2f || !isUtf8(path)) {
    const message = "gpgconf does not name the agent's socket by an absolute path in UTF-8"
    return yield* new LocateError({ message, hint: "name the socket with --upstream SOCKET" })
  }
  return path.toString()
})

/** Without the check gpgconf would name a socket in a homedir that is only misspelt. */
const homedirArgs = (homedir: string | undefined): Effect.Effect<ReadonlyArray<string>, LocateError> => {
  if (homedir === undefined) return Effect.succeed([])
  const path = resolve(homedir)
  const hint = "name GnuPG's homedir with --homedir DIR"
  return Effect.try({
    try: () => {
      if (!statSync(path).isDirectory()) throw new Error("not a directory")
      return ["--homedir", path]
    },
    catch: (error) => new LocateError({ message: `the homedir ${path} cannot be used: ${reasonOf(error)}`, hint })
  })
}

/** Time after a failed start in which no other is attempted, in nanoseconds. */
const PAUSE = 2_000_000_000n

/** The starts of one homedir's agent: whose turn it is, how many have ended, and the last one if it failed. */
interface Starts {
  readonly turn: Semaphore.Semaphore
  ended: number
  failed: { readonly at: bigint; readonly error: LaunchError } | undefined
}

const starts = new Map<string | undefined, Starts>()

const startsOf = (homedir: string | undefined): Starts => {
  const known = starts.get(homedir)
  if (known !== undefined) return known
  const fresh: Starts = { turn: Semaphore.makeUnsafe(1), ended: 0, failed: undefined }
  starts.set(homedir, fresh)
  return fresh
}

/**
 * Starts the agent, or finds that one runs. Who asks while another's start is under way gets what comes of that one; within
 * 2 s of a failure everybody gets the same failure at once. Takes at most 10 s. An agent named by `--upstream` is never
 * started: that is an error.
 */
export const launch = (settings: UpstreamSettings): Effect.Effect<void, LaunchError> =>
  Effect.suspend(() => {
    if (settings.socket !== undefined) {
      const message =
        `the agent at ${settings.socket} was named with --upstream, so starting it is not the gate's business`
      return Effect.fail(new LaunchError({ message }))
    }
    const { homedir } = settings
    const state = startsOf(homedir)
    const asked = state.ended
    return state.turn.withPermit(Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const { failed } = state
      const now = clock.monotonicTimeNanosUnsafe()
      if (failed !== undefined && (state.ended !== asked || now - failed.at < PAUSE)) return yield* failed.error
      if (state.ended !== asked) return
      const result = yield* Effect.result(start(homedir))
      state.ended++
      state.failed = undefined
      if (Result.isSuccess(result)) return
      state.failed = { at: clock.monotonicTimeNanosUnsafe(), error: result.failure }
      return yield* result.failure
    }))
  })

const start = (homedir: string | undefined): Effect.Effect<void, LaunchError> =>
  Effect.gen(function*() {
    const args = yield* homedirArgs(homedir)
    // gpgconf keeps the agent's own words to itself
    const more = `gpg-agent tells more: ${["gpg-agent", ...args, "--daemon"].map(shellWord).join(" ")}`
    yield* Effect.mapError(
      gpgconf([...args, "--launch", "gpg-agent"]),
      ({ hint = more, message }) => ({ hint, message })
    )
  }).pipe(
    Effect.mapError(({ hint, message }) =>
      new LaunchError({ message: `the agent cannot be started: ${message}`, hint })
    )
  )
