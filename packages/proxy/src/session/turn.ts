// A command that needs the agent, from the permit to the reply. A turn that has begun is not interrupted half-way.
import { CAN_LINE, END_LINE } from "@gripgate/protocol/answer"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { carriesSecret, type Command, has, type InquirySpec } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { errLine, inquireLine, statusLine } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { signatures, type Use } from "../authority/authority.ts"
import type { AgentConnection, Answer, Listening, NoAgent } from "../upstream/agent.ts"
import { bringState, usesKeydesc } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { listsKeys, narrow, showVisible } from "./filter.ts"
import { expectedInquiry, readAnswer } from "./inquiry.ts"
import { hasOptionKey } from "./local.ts"
import { keepNonces, ownNonces } from "./nonce.ts"

/** Whether the session goes on after a turn. */
export type After = "next" | "close"

/** Inquiries in one command; a pinentry that is restarted for each try is one each. */
const MAX_INQUIRIES = 64

/** An answer that the agent says it can take, in bytes, is believed up to here. */
const MAX_INQUIRY = 64 * 1024

/** Answers of cmd_has_option that are remembered: gpg asks for two, and a client could ask for any number of words. */
const MAX_KNOWN = 64

/** The session ends after the reply to this: the agent closes the connection too. */
const endsSession = (command: Command): boolean => command.spec.name === "KILLAGENT"

/** What the command amounts to in this session. A passphrase in band needs `loopback` beside it. */
const operationsOf = (session: SessionContext, command: Command): ReadonlyArray<Operation> => {
  const operations = command.spec.operations(command)
  const inBand = (session.state.loopback && command.spec.inquiries.some((inquiry) => inquiry.loopback === true))
    || has(command, "--inq-passwd")
    || (command.spec.name === "PRESET_PASSPHRASE" && has(command, "--inquire"))
  return inBand ? [...operations, "loopback"] : operations
}

const keygripsOf = (session: SessionContext, command: Command): ReadonlyArray<Keygrip> => {
  if (command.spec.keys === "session") return session.state.keygrips
  return command.spec.keys === "use" ? command.args.filter(isKeygrip) : []
}

/** Why a command cannot be sent whatever the policy says. */
const refusedHere = (session: SessionContext, command: Command): readonly [GpgError, string] | undefined => {
  const { state } = session
  if (state.loopbackRefused && command.spec.inquiries.some((inquiry) => inquiry.loopback === true)) {
    return [gpgError.FORBIDDEN, "this session was refused loopback, and has not chosen another pinentry-mode since"]
  }
  if (command.spec.keys !== "session") return undefined
  if (state.key === undefined) return [gpgError.NO_SECKEY, "no key was chosen"]
  // without a hash the agent signs an empty string
  if (command.spec.name === "PKSIGN" && state.hash === undefined) return [gpgError.NO_DATA, "no hash was given"]
  return undefined
}

/** Runs one command against the agent. Sends exactly one reply. */
export const turn = Effect.fnUntraced(function*(session: SessionContext, asked: Command): Effect.fn.Return<After> {
  const { app, client, facts, services, state } = session
  const command = services.keys.seesAll(app) ? asked : narrow(asked, session.visible)
  if (command === undefined) {
    client.send(errLine(asked.spec.name === "KEYINFO" ? gpgError.NOT_FOUND : gpgError.NO_SECKEY))
    return "next"
  }
  const refused = refusedHere(session, command)
  if (refused !== undefined) {
    services.journal.rejected(app, facts, command.spec.name, refused[1])
    client.send(errLine(refused[0]))
    return "next"
  }
  const use: Use = {
    app,
    facts,
    command: command.inner === undefined ? command.spec.name : `SCD ${command.inner.spec.name}`,
    operations: operationsOf(session, command),
    keygrips: keygripsOf(session, command)
  }
  const permit = yield* Effect.result(services.authority.permit(use))
  if (Result.isFailure(permit)) {
    const { error } = permit.failure
    client.send(errLine(error, error === gpgError.FORBIDDEN ? "gripgate: see the gate's log" : undefined))
    return "next"
  }
  const outcome = yield* Effect.result(converse(session, ownNonces(state, command)))
  if (usesKeydesc(command)) state.keydesc = undefined
  if (Result.isFailure(outcome)) {
    // without a connection nothing was sent, and that has been told
    if (session.connection !== undefined) {
      services.journal.unanswered(app, facts, use.command, outcome.failure.reason)
    }
    session.disconnect()
    client.send(errLine(gpgError.NO_AGENT))
    return "next"
  }
  const result = outcome.success
  switch (result.kind) {
    case "violation":
      session.disconnect()
      services.journal.violation(app, facts, result.reason)
      client.send(errLine(result.error))
      return "close"
    case "error":
      services.journal.rejected(app, facts, use.command, result.reason)
      client.send(errLine(result.error))
      return "next"
    case "setter":
      session.disconnect()
      state.key = state.another = state.hash = undefined
      client.send(result.line)
      return "next"
    case "done":
      if (!permit.success.alive()) {
        session.connection?.collected.clear()
        client.send(errLine(gpgError.FORBIDDEN))
        return "next"
      }
      release(session, command, result)
      return result.ok && endsSession(command) ? "close" : "next"
  }
})

/** How a conversation with the agent ended. */
type Outcome =
  | { readonly kind: "done"; readonly ok: boolean; readonly finalAt: number; readonly connection: AgentConnection }
  | { readonly kind: "setter"; readonly line: Buffer }
  | { readonly kind: "error"; readonly error: GpgError; readonly reason: string }
  | { readonly kind: "violation"; readonly error: GpgError; readonly reason: string }

const quiet: Listening = { status: [], live: () => {} }

const converse = Effect.fnUntraced(
  function*(session: SessionContext, command: Command): Effect.fn.Return<Outcome, NoAgent> {
    const connection = yield* session.connect(keygripsOf(session, command)[0])
    const line = writeRequest(command)
    if (line === undefined) {
      return {
        kind: "error",
        error: gpgError.ASS_LINE_TOO_LONG,
        reason: "the line would be longer than the agent takes"
      }
    }
    const lines = bringState(session.state, session.environment, connection, command)
    if (command.spec.changes === true && lines.length > 0) {
      // what it changes cannot be thrown away, so the state has to be right before it is sent
      const brought = yield* connection.exchange(lines, lines.length, quiet)
      if (brought.kind !== "done" || !brought.ok) return settersFailed(connection, brought)
      lines.length = 0
    }
    lines.push(line)
    const listening: Listening = {
      status: command.inner?.spec.status ?? command.spec.status,
      live: (status) => session.client.send(Buffer.concat([status, LF]))
    }
    const sending = connection.exchange(lines, lines.length, listening)
    let answer = yield* carriesSecret(command) ? Effect.ensuring(sending, Effect.sync(() => line.fill(0))) : sending
    let refusal: Extract<Outcome, { kind: "error" }> | undefined
    for (let inquiries = 0; answer.kind === "inquire"; inquiries++) {
      if (inquiries === MAX_INQUIRIES) {
        return { kind: "violation", error: gpgError.INV_RESPONSE, reason: "the agent asks without end" }
      }
      const asked = answer
      const spec = expectedInquiry(command, asked.keyword, session.state)
      if (refusal !== undefined || spec === undefined || spec.keyword === "CONFIRM") {
        refusal ??= spec === undefined
          ? {
            kind: "error",
            error: gpgError.ASS_UNKNOWN_INQUIRE,
            reason: `the agent asks ${asked.keyword}, which is not for this client`
          }
          : {
            kind: "error",
            error: gpgError.CANCELED,
            reason: "the agent asks the owner to confirm, and there is no way to ask"
          }
        answer = yield* connection.answer(asked.keyword === "PINENTRY_LAUNCHED" ? END_LINE : CAN_LINE)
      } else if (spec.keyword === "PINENTRY_LAUNCHED" && !session.state.notify) {
        answer = yield* connection.answer(END_LINE)
      } else {
        const next = yield* putToClient(session, connection, spec, asked)
        if (next.kind === "violation") return next
        if (next.kind === "error") {
          refusal = next
          answer = yield* connection.answer(CAN_LINE)
        } else answer = next.answer
      }
    }
    if (answer.kind === "setter") return settersFailed(connection, answer)
    if (refusal !== undefined) {
      connection.collected.clear()
      return refusal
    }
    return { kind: "done", ok: answer.ok, finalAt: answer.finalAt, connection }
  }
)

const LF = Buffer.from("\n")

const settersFailed = (connection: AgentConnection, answer: Answer): Outcome => {
  const line = answer.kind === "setter"
    ? answer.error
    : answer.kind === "done"
    ? Buffer.from(connection.collected.bytes.subarray(answer.finalAt))
    : errLine(gpgError.INV_RESPONSE)
  connection.close()
  return { kind: "setter", line }
}

type Put =
  | { readonly kind: "answered"; readonly answer: Answer }
  | Extract<Outcome, { kind: "error" | "violation" }>

/**
 * The agent decrypts with any key it is handed, and "decrypting" a padded digest with an RSA key is signing it (seen with
 * GnuPG 2.2.40). While nobody knows what a key is for, such a ciphertext needs the verdict of `sign` too.
 */
const mayAlsoSign = (session: SessionContext): Effect.Effect<boolean> => {
  const { app, facts, services, state } = session
  if (signatures.every((operation) => services.authority.verdict(app, operation).verdict === "allow")) {
    return Effect.succeed(true)
  }
  const use: Use = { app, facts, command: "PKDECRYPT that may sign", operations: ["sign"], keygrips: state.keygrips }
  return Effect.map(Effect.result(services.authority.permit(use)), Result.isSuccess)
}

const putToClient = Effect.fnUntraced(function*(
  session: SessionContext,
  connection: AgentConnection,
  spec: InquirySpec,
  asked: Extract<Answer, { kind: "inquire" }>
): Effect.fn.Return<Put, NoAgent> {
  const { client } = session
  const limit = Math.min(asked.maxLength ?? spec.limit, MAX_INQUIRY)
  client.send(Buffer.concat([
    asked.maxLength === undefined ? Buffer.alloc(0) : statusLine("INQUIRE_MAXLEN", String(limit)),
    asked.args === "" ? inquireLine(spec.keyword) : inquireLine(spec.keyword, asked.args)
  ]))
  const given = yield* readAnswer(client, spec, limit)
  switch (given.kind) {
    case "data": {
      if (given.maySign && !(yield* mayAlsoSign(session))) {
        given.lines.fill(0)
        return {
          kind: "error",
          error: gpgError.FORBIDDEN,
          reason: "a decryption that may be a signature, and sign is not allowed"
        }
      }
      const answer = yield* connection.answer(given.lines)
      given.lines.fill(0)
      return { kind: "answered", answer }
    }
    case "cancel":
      return { kind: "answered", answer: yield* connection.answer(CAN_LINE) }
    case "bad":
      return { kind: "error", error: given.error, reason: given.reason }
    case "violation":
      connection.close()
      return given
  }
})

/** Sends the agent's answer, without what this client may not see. */
const release = (session: SessionContext, command: Command, result: Extract<Outcome, { kind: "done" }>): void => {
  const { client, services, state } = session
  const taken = result.connection.collected.take()!
  if (command.spec.name === "GETINFO" && command.args[0] === "cmd_has_option" && services.hasOption.size < MAX_KNOWN) {
    services.hasOption.set(hasOptionKey(result.connection.version, command), result.ok)
  }
  if (command.spec.name === "SETHASH" && result.ok) {
    state.hash = has(command, "--inquire") ? "agent" : writeRequest(command)
  }
  if (endsSession(command) && result.ok) services.router.forget()
  keepNonces(state, command, taken.bytes)
  if (!services.keys.seesAll(session.app) && listsKeys(command)) {
    client.send(Buffer.concat([
      showVisible(command, taken.bytes.subarray(0, result.finalAt), session.visible),
      taken.bytes.subarray(result.finalAt)
    ]))
    taken.slab.fill(0, 0, taken.bytes.length)
  } else client.sendSlab(taken.bytes, taken.slab)
}
