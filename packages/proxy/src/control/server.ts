// The control socket's end in the gate: who is at the other end is settled before anything is read. One request for each
// connection; a watcher stays and is told of changes, as long as it reads. Whoever waits for a plan or a token stays, too: one that
// closes its end has gone, and gets none.
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as net from "node:net"
import type { Passphrases } from "../grant/issue.ts"
import { listen, type ListenOptions } from "../listen/listener.ts"
import type { ListenError } from "../listen/socket-file.ts"
import { LogService } from "../log.ts"
import { wipeReadBuffer } from "../read-buffer.ts"
import { Incoming } from "./incoming.ts"
import { type Fault, MAX_REQUEST_LINE, parseRequest, type Reply, VERSION, writeReply } from "./message/envelope.ts"
import type { PlainVerb, Request, RequestOf, TokenVerb } from "./message/request.ts"
import type { ResultOf } from "./message/results.ts"
import type { Denied } from "./owners.ts"
import type { ControlPeer } from "./peer.ts"
import type { ControlProblem } from "./problem.ts"
import { handOver, readSecrets, wipePassphrases } from "./secrets.ts"

/** Somebody who waits for a token. */
export interface Waiting {
  readonly peer: ControlPeer
  /** The passphrases that he sent along; wiped for the verb when it is done. */
  readonly passphrases: Passphrases
  /** Ends when he does not wait any more. */
  readonly gone: Effect.Effect<void>
}

/** A token on its way to whoever waits for it. */
export interface Handed<A> {
  readonly result: A
  /** Wiped for the verb when it is sent. */
  readonly token: Buffer
  /** What becomes of it where nobody gets it. */
  readonly lost: Effect.Effect<void>
}

/**
 * What a gate does for each verb; `peer` is an owner. What a token is made for runs uninterrupted, so that none is made and then not
 * told of: the verb itself says where it may be interrupted. `watch` calls back at each change, until what comes back is called.
 */
export type ControlVerbs =
  & {
    readonly [V in PlainVerb]: (
      request: RequestOf<V>,
      peer: ControlPeer
    ) => Effect.Effect<ResultOf<V>, ControlProblem>
  }
  & {
    readonly [V in TokenVerb]: (
      request: RequestOf<V>,
      waiting: Waiting
    ) => Effect.Effect<Handed<ResultOf<V>>, ControlProblem>
  }
  & {
    readonly watch: (changed: () => void) => () => void
    readonly snapshot: () => ResultOf<"watch">
  }

export interface ControlOptions extends ListenOptions {
  readonly verbs: ControlVerbs
  /** The facts of a peer, all that a rule could want. */
  readonly facts: (socket: net.Socket) => Effect.Effect<ControlPeer>
  readonly denied: (peer: ControlPeer) => Denied | undefined
}

/** Milliseconds for a client to ask, and the same again to take the answer and go. */
const PATIENCE = 5_000

/** Connections at once of those who may, and watchers; beyond, one is turned away. */
const MAX_CONNECTIONS = 32
const MAX_WATCHERS = 32

/** Those of them at once who wait for the agent or a person: what takes a right back always finds a place beside them. */
const MAX_WAITING = 16

/** Connections at once of which it is not settled who it is, for some milliseconds; beyond, one is closed unheard. */
const MAX_UNSETTLED = 32

/** Peers that were turned away and have not left; beyond, the one that has been there longest is closed. */
const MAX_LEAVING = 8

/** Milliseconds between two lines for a watcher at least. */
const BREATH = 50

/**
 * Serves the control socket until the scope closes. An owner who says nothing, or nonsense, costs a descriptor for 10 s.
 * Whoever may not is told so at once, before he has said anything, and takes no place from an owner.
 */
export const serveControl = Effect.fnUntraced(function*(
  { denied, facts, verbs, ...at }: ControlOptions
): Effect.fn.Return<{ readonly path: string }, ListenError, Scope.Scope | LogService> {
  const log = yield* LogService
  const fibers = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(fibers)<never>()
  const leaving = new Set<net.Socket>()
  let unsettled = 0
  let open = 0
  let waiting = 0
  let watchers = 0

  const turnAway = (socket: net.Socket, reply: Reply): Effect.Effect<void> => {
    const [first] = leaving
    if (first !== undefined && leaving.size >= MAX_LEAVING) {
      leaving.delete(first)
      first.destroy()
    }
    leaving.add(socket)
    new Incoming(socket).drop()
    return Effect.ensuring(send(socket, reply), Effect.sync(() => leaving.delete(socket)))
  }

  const serve = (socket: net.Socket, peer: ControlPeer): Effect.Effect<void> => {
    const no = denied(peer)
    if (no !== undefined) return turnAway(socket, problem("notPermitted", no.error, no.hint))
    if (open >= MAX_CONNECTIONS) return turnAway(socket, problem("refused", "too many ask at this moment"))
    open++
    return Effect.ensuring(converse(socket, new Incoming(socket), peer), Effect.sync(() => open--))
  }

  const converse = Effect.fnUntraced(function*(socket: net.Socket, incoming: Incoming, peer: ControlPeer) {
    const heard = yield* Effect.result(within(hear(incoming)))
    incoming.drop()
    // of one that failed a part may have come
    if (Result.isFailure(heard) || heard.success.passphrases.size > 0) yield* wipeReadBuffer
    if (Result.isFailure(heard)) return yield* send(socket, problem("refused", heard.failure))
    const { passphrases, request } = heard.success
    switch (request.verb) {
      case "watch":
        break
      case "plan":
      case "grant":
      case "rotate": {
        if (waiting >= MAX_WAITING) {
          wipePassphrases(passphrases)
          return yield* send(socket, problem("refused", "too many wait for a grant at this moment"))
        }
        waiting++
        return yield* Effect.ensuring(
          request.verb === "plan"
            ? Effect.flatMap(
              Effect.raceFirst(reply(request, peer), Effect.as(incoming.gone, GONE)),
              (said) => send(socket, said)
            )
            : withToken(socket, incoming, request, { peer, passphrases, gone: incoming.gone }),
          Effect.sync(() => waiting--)
        )
      }
      default:
        return yield* send(socket, yield* reply(request, peer))
    }
    if (watchers >= MAX_WATCHERS) return yield* send(socket, problem("refused", "too many watch already"))
    watchers++
    open--
    yield* Effect.ensuring(
      show(socket, peer),
      Effect.sync(() => {
        watchers--
        open++
      })
    )
  })

  const reply = (request: Extract<Request, { verb: PlainVerb }>, peer: ControlPeer): Effect.Effect<Reply> => {
    const call = verbs[request.verb] as (
      request: Request,
      peer: ControlPeer
    ) => Effect.Effect<unknown, ControlProblem>
    return Effect.match(call(request, peer), {
      onSuccess: (result): Reply => ({ v: VERSION, ok: true, result }),
      onFailure: failed
    })
  }

  /** A request that a token is the answer to. */
  const withToken = Effect.fnUntraced(function*(
    socket: net.Socket,
    incoming: Incoming,
    request: Extract<Request, { verb: TokenVerb }>,
    waiting: Waiting
  ) {
    const call = verbs[request.verb] as (
      request: Request,
      waiting: Waiting
    ) => Effect.Effect<Handed<unknown>, ControlProblem>
    const answer = yield* call(request, waiting).pipe(
      Effect.ensuring(Effect.sync(() => wipePassphrases(waiting.passphrases))),
      Effect.matchEffect({
        onFailure: (why) => Effect.succeed<Reply | undefined>(failed(why)),
        onSuccess: ({ lost, result, token }) => {
          const said = writeReply({ v: VERSION, ok: true, result, secretBytes: token.length })
          return Effect.flatMap(
            handOver(socket, incoming, said, token, PATIENCE),
            (sent) => Effect.as(sent ? Effect.void : lost, undefined)
          )
        }
      }),
      Effect.uninterruptible
    )
    yield* answer === undefined ? closed(socket) : send(socket, answer)
  })

  /** Lines at each change, to a peer that is still an owner and takes them: one that does not read is let go. */
  const show = (socket: net.Socket, peer: ControlPeer): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      let timer: NodeJS.Timeout | undefined
      const tell = () => {
        timer = undefined
        const no = denied(peer)
        if (no === undefined && socket.writableNeedDrain) return void socket.destroy()
        const said = no === undefined
          ? { v: VERSION, ok: true, result: verbs.snapshot() } as const
          : problem("notPermitted", no.error, no.hint)
        socket.write(writeReply(said))
        if (no !== undefined) socket.end()
      }
      const unwatch = verbs.watch(() => {
        timer ??= setTimeout(tell, BREATH)
      })
      const done = () => {
        unwatch()
        clearTimeout(timer)
      }
      socket.once("close", () => {
        done()
        resume(Effect.void)
      })
      // half open: a watcher that closes its end has gone
      socket.once("end", () => socket.destroy()).resume()
      tell()
      return Effect.sync(done)
    })

  return yield* listen(at, (socket) => {
    // a client that is gone already is nothing to report
    socket.on("error", () => {})
    if (unsettled >= MAX_UNSETTLED) return void socket.destroy()
    unsettled++
    run(
      facts(socket).pipe(
        Effect.ensuring(Effect.sync(() => unsettled--)),
        Effect.flatMap((peer) => serve(socket, peer)),
        Effect.catchDefect((defect) =>
          Effect.sync(() => log.write(3, `a bug in the control socket: ${String(defect)}`))
        ),
        Effect.ensuring(Effect.sync(() => socket.destroy()))
      )
    )
  })
})

const problem = (fault: Fault, error: string, hint?: string): Reply => ({
  v: VERSION,
  ok: false,
  fault,
  error,
  ...hint !== undefined && { hint }
})

const GONE = problem("refused", "whoever asked for it has gone")

const failed = ({ error, fault, hint, wrong }: ControlProblem): Reply => ({
  v: VERSION,
  ok: false,
  fault,
  error,
  ...hint !== undefined && { hint },
  ...wrong !== undefined && { wrong }
})

/** A request, and the passphrases behind it. */
const hear = Effect.fnUntraced(function*(incoming: Incoming): Effect.fn.Return<Heard, string> {
  const request = yield* Effect.fromResult(parseRequest(yield* incoming.line(MAX_REQUEST_LINE)))
  return { request, passphrases: yield* readSecrets(incoming, request) }
})

interface Heard {
  readonly request: Request
  readonly passphrases: Passphrases
}

const within = <A>(effect: Effect.Effect<A, string>): Effect.Effect<A, string> =>
  Effect.timeoutOrElse(effect, {
    duration: PATIENCE,
    orElse: () => Effect.fail(`no request came within ${PATIENCE / 1000} s`)
  })

/** Sends and waits until the client has closed: to close first, with bytes unread, would take the answer from it. */
const send = (socket: net.Socket, reply: Reply): Effect.Effect<void> =>
  Effect.suspend(() => {
    socket.resume().end(writeReply(reply))
    return closed(socket)
  })

const closed = (socket: net.Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.closed) return resume(Effect.void)
    const tell = () => resume(Effect.void)
    socket.once("close", tell)
    return Effect.sync(() => void socket.off("close", tell))
  }).pipe(Effect.timeoutOption(PATIENCE), Effect.asVoid)
