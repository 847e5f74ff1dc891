// Sockets that whoever started this process made for it: sd_listen_fds(3), the protocol of systemd's socket units. Its border: it
// says which descriptors there are, by which name and path; what a name means is for whoever has a policy.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { isUtf8 } from "node:buffer"
import { isAbsolute } from "node:path"
import { given, nativeProblem } from "../native.ts"

/** A socket that listens at a path. */
export interface Passed {
  readonly fd: number
  /** FileDescriptorName= of its unit; `undefined` where no names were given along. */
  readonly name: string | undefined
  /** Absolute, as it was bound. */
  readonly path: string
}

/** What was handed over is not what a gate can listen with. */
export class ActivationError extends Data.TaggedError("ActivationError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** The first of them (SD_LISTEN_FDS_START). */
const FIRST = 3

/** Most descriptors that are taken; systemd itself gives no unit as many. */
const MOST = 4096

const variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"] as const

/**
 * The sockets of this process, none where LISTEN_PID is another. The variables are gone from `env` afterwards, whatever comes
 * of it: a child that found them would take descriptors of its own for sockets. The descriptors themselves no child gets, since Node
 * marks all that it was started with as its own (FD_CLOEXEC).
 */
export const takePassed = (
  env: Record<string, string | undefined>,
  pid: number
): Effect.Effect<ReadonlyArray<Passed>, ActivationError> =>
  Effect.suspend(() => {
    const [whose, count, names] = variables.map((name) => env[name])
    for (const name of variables) delete env[name]
    if (count === undefined || whose !== String(pid)) return Effect.succeed([])
    if (!/^\d{1,5}$/.test(count) || Number(count) > MOST) {
      return fail(`LISTEN_FDS is no number of descriptors up to ${MOST}: ${JSON.stringify(count)}`)
    }
    const fds = Array.from({ length: Number(count) }, (_, index) => FIRST + index)
    const all = names?.split(":")
    if (all !== undefined && fds.length > 0 && all.length !== fds.length) {
      return fail(`LISTEN_FDNAMES has ${all.length} names for ${fds.length} descriptors: ${JSON.stringify(names)}`)
    }
    const lacking = fds.length === 0 ? undefined : nativeProblem()
    if (lacking !== undefined) return fail(`koffi cannot be loaded, so sockets cannot be taken over: ${lacking}`)
    return Effect.forEach(fds, (fd, index) => look(fd, all?.[index]))
  })

const look = (fd: number, name: string | undefined): Effect.Effect<Passed, ActivationError> => {
  const what = `the descriptor ${fd}${name === undefined ? "" : ` (${JSON.stringify(name)})`}`
  const problem = given.problem(fd)
  if (problem !== undefined) return fail(`${what} cannot be listened with: ${problem}`)
  const bytes = given.path(fd)
  const path = bytes !== undefined && isUtf8(bytes) ? bytes.toString() : undefined
  if (path !== undefined && isAbsolute(path)) return Effect.succeed({ fd, name, path })
  return fail(`${what} has no absolute path in UTF-8, by which its clients could be known`)
}

const fail = (message: string): Effect.Effect<never, ActivationError> =>
  Effect.fail(
    new ActivationError({
      message,
      hint: "a socket unit of gripgate has ListenStream=/A/PATH, and neither Accept=yes nor sockets of other kinds"
    })
  )
