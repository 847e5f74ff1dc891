// The control socket's end in the command line.
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as net from "node:net"
import type { Passphrases } from "../grant/issue.ts"
import { codeOf, reasonOf } from "../reason.ts"
import { Incoming } from "./incoming.ts"
import { MAX_REPLY_LINE, parseReply, type Reply, writeRequest } from "./message/envelope.ts"
import type { PlainRequest, RequestOf, TokenVerb, Verb } from "./message/request.ts"
import { type ResultOf, results } from "./message/results.ts"

/** Why a gate gave no answer: none is reached, it refused, this peer may not, or what it said is not understood. */
export class ControlError extends Data.TaggedError("ControlError")<{
  readonly message: string
  readonly hint?: string | undefined
  readonly reason: "unreachable" | "refused" | "notPermitted" | "usage" | "misunderstood"
  /** The keys whose passphrase was not the right one, where that is all that is wrong. */
  readonly wrong?: ReadonlyArray<string> | undefined
}> {}

/** Milliseconds for the whole conversation. */
const PATIENCE = 5_000

/** The same where the gate asks gpg-agent, and more for each key whose passphrase it has the agent try: that takes a while by design. */
const AGENT_PATIENCE = 30_000
const KEY_PATIENCE = 5_000

/** Asks the gate whose control socket lies at `path`. */
export const askControl = <R extends PlainRequest>(
  path: string,
  request: R
): Effect.Effect<ResultOf<R["verb"]>, ControlError> => {
  const patience = request.verb === "plan" || request.verb === "renew" ? AGENT_PATIENCE : PATIENCE
  return connect(path).pipe(
    Effect.flatMap((socket) => {
      const incoming = new Incoming(socket)
      socket.write(writeRequest(request))
      return Effect.mapError(incoming.line(MAX_REPLY_LINE), (error) => misunderstood(path, error))
    }),
    Effect.scoped,
    within(path, patience),
    Effect.flatMap((line) => Effect.fromResult(accept(path, request.verb, line))),
    Effect.flatMap(({ result, secretBytes }) =>
      secretBytes === undefined ? Effect.succeed(result) : Effect.fail(misunderstood(path, OTHER))
    )
  )
}

/** What was made, and its token: a slab that whoever has it wipes. */
export interface WithToken<V extends TokenVerb> {
  readonly result: ResultOf<V>
  readonly token: Buffer
}

/**
 * Asks for a token, and sends passphrases along, which whoever gave them wipes. Where the gate asks the owner with a pinentry this
 * waits as long as that takes; interrupted, the dialog goes away and nothing is granted.
 */
export const askForToken = <R extends RequestOf<TokenVerb>>(
  path: string,
  request: R,
  passphrases: Passphrases = new Map()
): Effect.Effect<WithToken<R["verb"]>, ControlError> => {
  const all = [...passphrases]
  const secrets = all.map(([key, passphrase]) => ({ key, bytes: passphrase.length }))
  const converse = Effect.fnUntraced(function*(socket: net.Socket) {
    const incoming = new Incoming(socket)
    socket.write(writeRequest(secrets.length === 0 ? request : { ...request, secrets }))
    for (const [, passphrase] of all) socket.write(passphrase)
    const told = (error: string) => misunderstood(path, error)
    const line = yield* Effect.mapError(incoming.line(MAX_REPLY_LINE), told)
    const { result, secretBytes } = yield* Effect.fromResult(accept(path, request.verb, line))
    if (secretBytes === undefined) return yield* misunderstood(path, OTHER)
    return { result, token: yield* Effect.mapError(incoming.secret(secretBytes), told) }
  })
  const asked = Effect.scoped(Effect.flatMap(connect(path), converse))
  return request.passphrases === "pinentry"
    ? asked
    : within(path, AGENT_PATIENCE + KEY_PATIENCE * secrets.length)(asked)
}

/** What changes at the gate: the first snapshot at once, then one for each change; the queue fails when the gate is gone. */
export const watchControl = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<Queue.Dequeue<ResultOf<"watch">, ControlError>, ControlError, Scope.Scope> {
  const socket = yield* connect(path)
  const queue = yield* Queue.make<ResultOf<"watch">, ControlError>()
  const stop = new Incoming(socket).lines(MAX_REPLY_LINE, (line) => {
    const snapshot = accept(path, "watch", line)
    if (Result.isFailure(snapshot)) Queue.failCauseUnsafe(queue, Cause.fail(snapshot.failure))
    else Queue.offerUnsafe(queue, snapshot.success.result)
  }, () => Queue.failCauseUnsafe(queue, Cause.fail(gone(path))))
  yield* Effect.addFinalizer(() => Effect.sync(stop))
  socket.write(writeRequest({ verb: "watch" }))
  return queue
})

const gone = (path: string): ControlError =>
  new ControlError({ reason: "unreachable", message: `the gate at ${path} has gone` })

const misunderstood = (path: string, what: string): ControlError =>
  new ControlError({ reason: "misunderstood", message: `expected the answer of a gate at ${path}: ${what}` })

const OTHER = "it is of another version, or no gate"

const within = (path: string, patience: number) => <A>(effect: Effect.Effect<A, ControlError>) =>
  Effect.timeoutOrElse(effect, {
    duration: patience,
    orElse: () => Effect.fail(misunderstood(path, `nothing came within ${patience / 1000} s`))
  })

/** A reply that went well, with the result that its verb has. */
type Accepted<V extends Verb> = Pick<Extract<Reply, { ok: true }>, "secretBytes"> & { readonly result: ResultOf<V> }

const accept = <V extends Verb>(path: string, verb: V, line: Buffer): Result.Result<Accepted<V>, ControlError> => {
  const reply = parseReply(line)
  const other = misunderstood(path, OTHER)
  if (reply === undefined) return Result.fail(other)
  if (!reply.ok) {
    const { error, fault, hint, wrong } = reply
    return Result.fail(new ControlError({ reason: fault, message: error, hint, wrong }))
  }
  const decode = Schema.decodeUnknownResult(results[verb] as unknown as Schema.Codec<ResultOf<V>>)
  const { secretBytes } = reply
  return Result.mapBoth(decode(reply.result), {
    onSuccess: (result) => ({ result, ...secretBytes !== undefined && { secretBytes } }),
    onFailure: () => other
  })
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
