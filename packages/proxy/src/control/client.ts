// The control socket's end in the command line.
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import { codeOf, reasonOf } from "../reason.ts"
import { readLine, readLines } from "./line.ts"
import { MAX_REPLY_LINE, parseReply, writeRequest } from "./message/envelope.ts"
import type { Request, Verb } from "./message/request.ts"
import { type ResultOf, results } from "./message/results.ts"

/** Why a gate gave no answer: none is reached, it refused, this peer may not, or what it said is not understood. */
export class ControlError extends Data.TaggedError("ControlError")<{
  readonly message: string
  readonly hint?: string | undefined
  readonly reason: "unreachable" | "refused" | "notPermitted" | "misunderstood"
}> {}

/** Milliseconds for the whole conversation. */
const PATIENCE = 5_000

/** Asks the gate whose control socket lies at `path`. */
export const askControl = <R extends Exclude<Request, { verb: "watch" }>>(
  path: string,
  request: R
): Effect.Effect<ResultOf<R["verb"]>, ControlError> =>
  connect(path).pipe(
    Effect.flatMap((socket) => {
      socket.write(writeRequest(request))
      return Effect.mapError(readLine(socket, MAX_REPLY_LINE), (error) => misunderstood(path, error))
    }),
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(misunderstood(path, `nothing came within ${PATIENCE / 1000} s`))
    }),
    Effect.flatMap((line) => Effect.fromResult(accept(path, request.verb, line)))
  )

/** What changes at the gate: the first snapshot at once, then one for each change; the queue fails when the gate is gone. */
export const watchControl = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<Queue.Dequeue<ResultOf<"watch">, ControlError>, ControlError, Scope.Scope> {
  const socket = yield* connect(path)
  const queue = yield* Queue.make<ResultOf<"watch">, ControlError>()
  const stop = readLines(socket, MAX_REPLY_LINE, (line) => {
    const snapshot = accept(path, "watch", line)
    if (Result.isFailure(snapshot)) Queue.failCauseUnsafe(queue, Cause.fail(snapshot.failure))
    else Queue.offerUnsafe(queue, snapshot.success)
  }, () => Queue.failCauseUnsafe(queue, Cause.fail(gone(path))))
  yield* Effect.addFinalizer(() => Effect.sync(stop))
  socket.write(writeRequest({ verb: "watch" }))
  return queue
})

const gone = (path: string): ControlError =>
  new ControlError({ reason: "unreachable", message: `the gate at ${path} has gone` })

const misunderstood = (path: string, what: string): ControlError =>
  new ControlError({ reason: "misunderstood", message: `expected the answer of a gate at ${path}: ${what}` })

const accept = <V extends Verb>(path: string, verb: V, line: Buffer): Result.Result<ResultOf<V>, ControlError> => {
  const reply = parseReply(line)
  const other = misunderstood(path, "it is of another version, or no gate")
  if (reply === undefined) return Result.fail(other)
  if (!reply.ok) {
    const { error, fault, hint } = reply
    return Result.fail(new ControlError({ reason: fault, message: error, hint }))
  }
  const decode = Schema.decodeUnknownResult(results[verb] as unknown as Schema.Codec<ResultOf<V>>)
  return Result.mapError(decode(reply.result), () => other)
}

const connect = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket, ControlError>((resume) => {
      const socket = net.connect(path)
      socket.once("connect", () => {
        socket.off("error", fail).on("error", () => {})
        resume(Effect.succeed(socket))
      })
      const fail = (error: Error) => {
        const none = ["ENOENT", "ECONNREFUSED"].includes(codeOf(error) ?? "")
        const message = none ? `no gate runs at ${path}` : `the gate at ${path} cannot be reached: ${reasonOf(error)}`
        const hint = none ? "start one with: gripgate serve" : undefined
        const reason = codeOf(error) === "EACCES" ? "notPermitted" : "unreachable"
        resume(Effect.fail(new ControlError({ reason, message, hint })))
      }
      socket.once("error", fail)
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
