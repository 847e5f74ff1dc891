// The control socket's end in the command line.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import { codeOf, reasonOf } from "../reason.ts"
import { readLine } from "./line.ts"
import { parseReply, type Reply, type Status, type Verb, VERSION, writeMessage } from "./message.ts"

/** Why a gate gave no answer: none is reached, it refused, or what it said is not understood. */
export class ControlError extends Data.TaggedError("ControlError")<{
  readonly message: string
  readonly hint?: string | undefined
  readonly reason: "unreachable" | "refused" | "misunderstood"
}> {}

/** Milliseconds for the whole conversation. */
const PATIENCE = 5_000

/** Asks the gate whose control socket lies at `path`. */
export const askControl = (path: string, verb: Verb): Effect.Effect<Status, ControlError> =>
  connect(path).pipe(
    Effect.flatMap((socket) => {
      socket.write(writeMessage({ v: VERSION, verb }))
      return Effect.mapError(readLine(socket), (error) => misunderstood(path, error))
    }),
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(misunderstood(path, `nothing came within ${PATIENCE / 1000} s`))
    }),
    Effect.flatMap((line) => accept(path, parseReply(line)))
  )

const misunderstood = (path: string, what: string): ControlError =>
  new ControlError({ reason: "misunderstood", message: `expected the answer of a gate at ${path}: ${what}` })

const accept = (path: string, reply: Reply | undefined): Effect.Effect<Status, ControlError> => {
  if (reply === undefined) return Effect.fail(misunderstood(path, "it is of another version, or no gate"))
  if (reply.ok) return Effect.succeed(reply.status)
  return Effect.fail(new ControlError({ reason: "refused", message: `the gate at ${path} refuses: ${reply.error}` }))
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
        resume(Effect.fail(new ControlError({ reason: "unreachable", message, hint })))
      }
      socket.once("error", fail)
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )
