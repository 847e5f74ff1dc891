// Whether a gate answers at a socket: asked before a command is started that could do nothing without one.
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"

/** Milliseconds for a greeting. */
const PATIENCE = 3_000

/** Fails with 69 where nobody greets there, and 77 where this user may not connect. */
export const gateListens = (path: string): Effect.Effect<void, Failure> =>
  Effect.callback<void, Failure>((resume) => {
    const socket = net.connect(path)
    const none = (why: string) =>
      failure(exitCode.unavailable, `no gate listens at ${path}${why}`, "start one with: gripgate serve")
    socket.once("error", (error) => {
      const code = codeOf(error)
      if (code === "ENOENT" || code === "ECONNREFUSED") return resume(Effect.fail(none("")))
      const reason = `the gate at ${path} cannot be reached: ${reasonOf(error)}`
      resume(Effect.fail(failure(code === "EACCES" ? exitCode.notPermitted : exitCode.unavailable, reason)))
    })
    socket.once("data", (bytes) =>
      resume(bytes.toString("latin1").startsWith("OK") ? Effect.void : Effect.fail(none(": somebody else does"))))
    socket.once("end", () =>
      resume(Effect.fail(none(": whoever does hangs up"))))
    return Effect.sync(() =>
      socket.destroy()
    )
  }).pipe(
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(failure(exitCode.unavailable, `nobody greets at ${path} within ${PATIENCE / 1000} s`))
    })
  )
