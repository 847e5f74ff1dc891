// One client, from the greeting to the end. Read top to bottom: the next line is looked at only when the last has been
// answered, and each gets exactly one reply.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { carriesSecret } from "@gripgate/protocol/grammar/command"
import { errLine, okLine } from "@gripgate/protocol/reply"
import { parseRequest, type Request } from "@gripgate/protocol/request"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { type ClientChannel, faultError } from "./client.ts"
import type { SessionContext } from "./context.ts"
import type { After } from "./finish.ts"
import { forgetFor, hold } from "./hold.ts"
import { answerGetinfo, answerOption, answerSession } from "./local.ts"
import { optionTurn } from "./option-turn.ts"
import { answerToItself } from "./own-socket-check.ts"
import { answerOwn, isOwn } from "./own/own.ts"
import { turn } from "./turn.ts"

/**
 * A greeting that names no process: an agent's own names the client's, or the agent's, and nobody looks. It is said before
 * anything else is done for a client, which then has something to do too.
 */
export const GREETING: Buffer = okLine("Pleased to meet you, this is gripgate")

/**
 * Serves one client until it is gone, or broke the rules. Interrupted, it ends after the command under way: only waiting
 * for the client can be interrupted, so that no answer is released half-way.
 */
export const serveSession = (session: SessionContext): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.onExit(
    Effect.gen(() => serve(session)),
    (exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) tellBug(session, Cause.squash(exit.cause))
        if (session.stopping) refuseWaiting(session.client)
        session.client.close(session.stopping)
        session.end()
      })
  ))

// plain generators all the way down: one fiber, and nothing between a line and the agent but what has to be decided
function* serve(session: SessionContext): Effect.fn.Return<void> {
  const { client } = session
  const nextLine = Effect.interruptible(client.next)
  let after: After = "next"
  while (after === "next" && !session.stopping) {
    if (client.unsent) yield* Effect.interruptible(client.taken)
    let line = client.take() ?? (yield* nextLine)
    if (line === undefined) return sayWhyClosed(session)
    const slow = session.slowFacts()
    if (slow !== undefined) {
      // nothing that a client says is looked at before it is known who it is
      line = ownMemory(line)
      yield* slow
    }
    const request = parseRequest(line)
    const reply = answerHere(session, request)
    if (reply === undefined) after = yield* answerThroughAgent(session, request)
    else {
      if (reply.length > 0) client.send(reply)
      if (request.kind === "violation" || isBye(request)) after = "close"
    }
    if (mayHoldSecret(request)) line.fill(0)
  }
}

/** A line's memory is good until the next chunk only, and it may be a secret: not for Node's shared pool. */
const ownMemory = (line: Buffer): Buffer => {
  const copy = Buffer.allocUnsafeSlow(Math.max(4096, line.length)).subarray(0, line.length)
  line.copy(copy)
  return copy
}

/** A mistake of this program ends one session, with a word to its client, and no other. */
const tellBug = (session: SessionContext, defect: unknown): void => {
  const { app, client, facts, services } = session
  services.journal.bug(app, facts, defect instanceof Error ? defect.stack ?? defect.message : String(defect))
  client.send(errLine(gpgError.INTERNAL))
}

/** The gate stops: commands that were sent early get a no each, and not silence. */
const refuseWaiting = (client: ClientChannel): void => {
  for (let line = client.take(); line !== undefined; line = client.take()) {
    if (line.length > 0 && line[0] !== 0x23) client.send(STOPS)
    line.fill(0)
  }
}

const STOPS = errLine(gpgError.NO_AGENT)

const nothing = Buffer.alloc(0)

const isBye = (request: Request): boolean => request.kind === "command" && request.command.spec.name === "BYE"

/** Lines whose bytes are wiped: secrets where the table says so, and what may be one because nobody can tell what it is. */
const mayHoldSecret = (request: Request): boolean =>
  request.kind === "command"
    ? carriesSecret(request.command)
    : request.kind === "option"
    ? request.option.secret === true
    : request.kind !== "ignore"

/** The reply to what needs no agent; empty for what gets none, `undefined` for what needs one. */
const answerHere = (session: SessionContext, request: Request): Buffer | undefined => {
  const { app, facts, services, state } = session
  switch (request.kind) {
    case "ignore":
      return nothing
    case "violation":
      services.journal.violation(app, facts, request.reason)
      return errLine(request.error)
    case "refused":
      forgetFor(state, request.name)
      services.journal.rejected(app, facts, request.name, request.reason)
      return errLine(request.error, request.reason)
    case "option":
      return answerOption(session, request.option, request.value)
    case "command":
      switch (request.command.spec.fate) {
        case "gate":
          if (isOwn(request.command)) return undefined
          return answerSession(session, request.command)
        case "hold":
          return hold(state, request.command)
        default:
          return undefined
      }
  }
}

function* answerThroughAgent(session: SessionContext, request: Request): Effect.fn.Return<After> {
  if (request.kind === "option") {
    // the line's memory is good until the next chunk only, and this waits
    yield* optionTurn(session, request.option, Buffer.from(request.value))
    return "next"
  }
  if (request.kind !== "command") return "next"
  if (isOwn(request.command)) {
    yield* answerOwn(session, request.command)
    return "next"
  }
  const known = request.command.spec.name === "GETINFO" ? answerGetinfo(session, request.command) : undefined
  if (known === undefined) {
    const itself = yield* answerToItself(session, request.command)
    if (itself === undefined) return yield* turn(session, request.command)
    session.client.send(itself)
    return "next"
  }
  if (Effect.isEffect(known)) {
    const told = yield* Effect.result(known)
    session.client.send(Result.isFailure(told) ? errLine(gpgError.NO_AGENT) : told.success)
  } else session.client.send(known)
  return "next"
}

/** A last word to a client that cannot be understood any more. One that was told already, or is gone, gets none. */
const sayWhyClosed = (session: SessionContext): void => {
  const { app, client, facts, services } = session
  if (client.closedFor !== undefined) return services.journal.violation(app, facts, client.closedFor)
  const fault = client.fault
  if (fault === undefined) return
  services.journal.violation(app, facts, fault)
  client.send(errLine(faultError(fault)))
}
