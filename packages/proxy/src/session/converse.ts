// What is said between the gate and an agent for one command: the state that the command needs, the command, the agent's
// questions and their answers. Nothing is sent to the client but those questions; what comes of it is for the turn.
import { CAN_LINE, END_LINE } from "@gripgate/protocol/answer"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { carriesSecret, type Command, type InquirySpec } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { errLine, inquireLine, statusLine } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import type { Use } from "../authority/authority.ts"
import type { AgentConnection, Answer, Listening } from "../upstream/agent.ts"
import { bringState } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { judgeKeydata } from "./import/import.ts"
import { expectedInquiry, readAnswer } from "./inquiry.ts"

/** Inquiries in one command; a pinentry that is restarted for each try is one each. */
const MAX_INQUIRIES = 64

/** An answer that the agent says it can take, in bytes, is believed up to here. */
const MAX_INQUIRY = 64 * 1024

/** How a conversation with the agent ended. */
export type Outcome =
  | { readonly kind: "done"; readonly ok: boolean; readonly finalAt: number; readonly connection: AgentConnection }
  | { readonly kind: "setter"; readonly line: Buffer }
  | { readonly kind: "error"; readonly error: GpgError; readonly reason: string }
  | { readonly kind: "violation"; readonly error: GpgError; readonly reason: string }
  /** The agent is gone, or said what no agent says. */
  | { readonly kind: "lost"; readonly reason: string }

const quiet: Listening = { status: [], live: () => {} }

/**
 * Sends a command with the state that it needs, answers what the agent asks, and collects what it says. `keydesc` is the line
 * that gives the text of the command's prompt, where it takes one.
 */
export function* converse(
  connection: AgentConnection,
  session: SessionContext,
  command: Command,
  keydesc: Buffer | undefined
): Effect.fn.Return<Outcome> {
  const line = writeRequest(command)
  if (line === undefined) {
    return {
      kind: "error",
      error: gpgError.ASS_LINE_TOO_LONG,
      reason: "the line would be longer than the agent takes"
    }
  }
  const lines = bringState(session.state, session.environment, connection, command, keydesc)
  if (command.spec.changes === true && lines.length > 0) {
    // what it changes cannot be thrown away, so the state has to be right before it is sent
    const brought = yield* connection.exchange(lines, lines.length, quiet)
    if (brought.kind !== "done" || !brought.ok) return settersFailed(connection, brought)
    lines.length = 0
  }
  lines.push(line)
  const listening: Listening = {
    status: command.inner?.spec.status ?? command.spec.status,
    live: (status) => {
      // nobody waits for the progress that he does not read
      if (!session.client.unsent) session.client.send(Buffer.concat([status, LF]))
    }
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
      const next = yield* putToClient(session, connection, command, spec, asked)
      if (next.kind === "violation") return next
      if (next.kind === "error") {
        refusal = next
        answer = yield* connection.answer(CAN_LINE)
      } else answer = next.answer
    }
  }
  if (answer.kind === "setter") return settersFailed(connection, answer)
  if (answer.kind === "lost") return answer
  if (refusal !== undefined) {
    connection.collected.clear()
    return refusal
  }
  return { kind: "done", ok: answer.ok, finalAt: answer.finalAt, connection }
}
const LF = Buffer.from("\n")

const settersFailed = (connection: AgentConnection, answer: Answer): Outcome => {
  if (answer.kind === "lost") return answer
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
 * GnuPG 2.2.40). Where nobody knows what a key is for, such a ciphertext needs the verdict of `sign` too.
 */
function* mayAlsoSign(session: SessionContext): Effect.fn.Return<boolean> {
  const { app, facts, services, state } = session
  if (state.keygrips.every((keygrip) => services.keys.info(keygrip).capabilities !== undefined)) return true
  const use: Use = { app, facts, command: "PKDECRYPT that may sign", operations: ["sign"], keygrips: state.keygrips }
  const decision = services.authority.permit(use)
  return (Effect.isEffect(decision) ? yield* decision : decision)._tag === "Permit"
}

/**
 * Which wrong passphrases are counted together: those of an app, or of one user who is no app, for one key. A right one for a
 * key of its own would clear a guesser of another otherwise.
 */
const guesserOf = ({ app, facts, state }: SessionContext, command: Command): string => {
  const keygrip = command.spec.keys === "session" ? state.keygrips[0] : command.args.find(isKeygrip)
  return `${app ?? `(user ${facts.uid ?? "unknown"})`} ${keygrip ?? ""}`
}

/** Waits for this answer's turn, if the app gave wrong ones before; `false` where there is none. */
function* takeTurn(session: SessionContext, guesser: string): Effect.fn.Return<boolean> {
  const wait = session.services.wrongAnswers.turn(guesser)
  if (wait === undefined || session.stopping) return false
  if (wait === 0) return true
  const { client, services } = session
  services.journal.rejected(session.app, session.facts, "a passphrase", `wrong before, so it waits ${wait} ms`)
  const isOver = (): boolean => client.gone || client.closedFor !== undefined || session.stopping
  // a turn is not interrupted, so whoever waits in one looks around now and then
  for (let left = wait; left > 0 && !isOver(); left -= LOOK) yield* Effect.sleep(Math.min(left, LOOK))
  return !isOver()
}

/** How often somebody who waits for his turn looks whether it still matters, in milliseconds. */
const LOOK = 250

const BAD_PASSPHRASE = gpgError.BAD_PASSPHRASE.value & 0xffff

/** Notes what the agent said to a passphrase. A command that only hands it back says nothing about it. */
const judgeTry = (session: SessionContext, guesser: string, connection: AgentConnection, answer: Answer): void => {
  if (answer.kind !== "done") return
  if (answer.ok) return session.services.wrongAnswers.right(guesser)
  const said = /^ERR (\d{1,10})/.exec(connection.collected.bytes.toString("latin1", answer.finalAt))?.[1]
  if ((Number(said) & 0xffff) === BAD_PASSPHRASE) session.services.wrongAnswers.wrong(guesser)
}

function* putToClient(
  session: SessionContext,
  connection: AgentConnection,
  command: Command,
  spec: InquirySpec,
  asked: Extract<Answer, { kind: "inquire" }>
): Effect.fn.Return<Put> {
  const { client } = session
  const limit = Math.min(asked.maxLength ?? spec.limit, MAX_INQUIRY)
  client.send(Buffer.concat([
    asked.maxLength === undefined ? Buffer.alloc(0) : statusLine("INQUIRE_MAXLEN", String(limit)),
    asked.args === "" ? inquireLine(spec.keyword) : inquireLine(spec.keyword, asked.args)
  ]))
  const given = yield* readAnswer(
    client,
    spec,
    limit,
    spec.keyword === "KEYDATA" ? (data) => judgeKeydata(session, command, data) : undefined
  )
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
      // GET_PASSPHRASE hands any answer back
      const tries = spec.keyword === "PASSPHRASE" && spec.loopback === true && command.spec.name !== "GET_PASSPHRASE"
      const guesser = tries ? guesserOf(session, command) : ""
      if (tries && !(yield* takeTurn(session, guesser))) {
        given.lines.fill(0)
        return { kind: "error", error: gpgError.LIMIT_REACHED, reason: "too many wrong passphrases" }
      }
      const answer = yield* connection.answer(given.lines)
      given.lines.fill(0)
      if (tries) judgeTry(session, guesser, connection, answer)
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
}
