// What is said between the gate and an agent for one command: the state that the command needs, the command, the agent's
// questions and their answers. Nothing is sent to the client but those questions; what comes of it is for the turn.
import { CAN_LINE, END_LINE } from "@gripgate/protocol/answer"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { carriesSecret, changes, type Command, type InquirySpec } from "@gripgate/protocol/grammar/command"
import { errLine, inquireLine, statusLine } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import type { Said } from "../approve/question.ts"
import type { Permit, Use } from "../authority/authority.ts"
import type { AgentConnection, Answer, Listening } from "../upstream/agent.ts"
import { bringState } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { judgeKeydata } from "./import/import.ts"
import { expectedInquiry, readAnswer } from "./inquiry.ts"
import type { Prompt } from "./prompt/prompt.ts"
import { wordsOf } from "./prompt/text.ts"
import { PassphraseTries } from "./tries.ts"
import { useOf } from "./use.ts"
import { isWrittenDown } from "./written-down.ts"

/** Inquiries in one command; a pinentry that is restarted for each try is one each. */
const MAX_INQUIRIES = 64

/** An answer that the agent says it can take, in bytes, is believed up to here. */
const MAX_INQUIRY = 64 * 1024

/** How a conversation with the agent ended. */
export type Outcome =
  | {
    readonly kind: "done"
    readonly ok: boolean
    readonly finalAt: number
    readonly connection: AgentConnection
    /** What it rests on besides its permit. */
    readonly also: ReadonlyArray<Permit>
  }
  | { readonly kind: "setter"; readonly line: Buffer }
  | { readonly kind: "error"; readonly error: GpgError; readonly reason: string }
  | { readonly kind: "violation"; readonly error: GpgError; readonly reason: string }
  /** The agent is gone, or said what no agent says. */
  | { readonly kind: "lost"; readonly reason: string }

const quiet: Listening = { status: [], live: () => {} }

/** A conversation over a connection of its own, in loopback mode, in which the gate itself gives the passphrase. */
export interface OwnAnswers {
  /** What brings the connection up to the command. */
  readonly setters: ReadonlyArray<Buffer>
  /** The lines of the passphrase, which are wiped; `undefined` where there is none to give. */
  readonly passphrase: () => Buffer | undefined
}

/**
 * Sends a command with the state that it needs, answers what the agent asks, and collects what it says. `keydesc` is the line
 * that gives the text of the command's prompt, where it takes one.
 */
export function* converse(
  connection: AgentConnection,
  session: SessionContext,
  { command, keydesc }: Prompt,
  use: Use,
  permit: Permit,
  own?: OwnAnswers
): Effect.fn.Return<Outcome> {
  const tries = new PassphraseTries(session, command)
  if (own === undefined && !(yield* tries.begin())) return TOO_MANY
  const dialog = new Dialog(session)
  try {
    return yield* talk(connection, session, { command, keydesc }, use, permit, tries, dialog, own)
  } finally {
    tries.end()
    dialog.end()
  }
}

const TOO_MANY: Extract<Outcome, { kind: "error" }> = {
  kind: "error",
  error: gpgError.LIMIT_REACHED,
  reason: "too many wrong passphrases"
}

function* talk(
  connection: AgentConnection,
  session: SessionContext,
  { command, keydesc }: Prompt,
  use: Use,
  permit: Permit,
  tries: PassphraseTries,
  dialog: Dialog,
  own: OwnAnswers | undefined
): Effect.fn.Return<Outcome> {
  const line = writeRequest(command)
  if (line === undefined) {
    return {
      kind: "error",
      error: gpgError.ASS_LINE_TOO_LONG,
      reason: "the line would be longer than the agent takes"
    }
  }
  const lines = own === undefined
    ? bringState(session.state, session.environment, connection, command, keydesc)
    : [...own.setters]
  if (changes(command) && lines.length > 0) {
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
  const also: Array<Permit> = []
  for (let inquiries = 0; answer.kind === "inquire"; inquiries++) {
    if (inquiries === MAX_INQUIRIES) {
      return { kind: "violation", error: gpgError.INV_RESPONSE, reason: "the agent asks without end" }
    }
    const asked = answer
    const spec = expectedInquiry(command, asked.keyword, session.state.loopback || own !== undefined)
    if (spec?.keyword === "CONFIRM" && refusal === undefined) {
      refusal = yield* confirmed(session, use, permit, also, asked)
    }
    const gone = [permit, ...also].find(({ alive }) => !alive())
    if (gone !== undefined) refusal ??= takenBack(gone)
    if (asked.keyword === "PINENTRY_LAUNCHED") yield* dialog.begin()
    if (refusal !== undefined || spec === undefined) {
      refusal ??= {
        kind: "error",
        error: gpgError.ASS_UNKNOWN_INQUIRE,
        reason: `the agent asks ${asked.keyword}, which is not for this client`
      }
      answer = yield* connection.answer(asked.keyword === "PINENTRY_LAUNCHED" ? END_LINE : CAN_LINE)
    } else if (spec.keyword === "PASSPHRASE" && own !== undefined) {
      const passphrase = own.passphrase()
      answer = yield* connection.answer(passphrase ?? CAN_LINE)
      passphrase?.fill(0)
    } else if (spec.keyword === "CONFIRM" || (spec.keyword === "PINENTRY_LAUNCHED" && !session.state.notify)) {
      answer = yield* connection.answer(END_LINE)
    } else {
      const next = yield* putToClient(session, connection, command, permit, also, tries, spec, asked)
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
  return { kind: "done", ok: answer.ok, finalAt: answer.finalAt, connection, also }
}
const LF = Buffer.from("\n")

/** The agent's dialogs of one command: from the first that it tells of until it is done, for it may show several. */
class Dialog {
  private readonly session: SessionContext
  private over: (() => void) | undefined

  constructor(session: SessionContext) {
    this.session = session
  }

  /** The agent shows its dialog when this is answered, and not before. */
  begin(): Effect.Effect<void> {
    const { promptsOwner, services: { dialogs } } = this.session
    if (!promptsOwner) return Effect.void
    this.over ??= dialogs.begin()
    return dialogs.left
  }

  end(): void {
    this.over?.()
    this.over = undefined
  }
}

/** What a client is told of what it may not do any more. */
export const takenBack = (permit: Permit): Extract<Outcome, { kind: "error" }> => ({
  kind: "error",
  error: permit.takenBack ?? gpgError.FORBIDDEN,
  reason: "what was permitted was taken back meanwhile"
})

/**
 * Puts a question of the agent to the owner, never to the client; `undefined` for a yes. CONFIRM 0 is no question but a
 * message, and a client in loopback mode has nowhere to show it.
 */
function* confirmed(
  session: SessionContext,
  use: Use,
  permit: Permit,
  also: Array<Permit>,
  asked: Extract<Answer, { kind: "inquire" }>
): Effect.fn.Return<Extract<Outcome, { kind: "error" }> | undefined> {
  if (asked.args === "0") return undefined
  const text = wordsOf(asked.shows)
  // what a GET_CONFIRMATION has the agent say are the client's words
  const said: Said = { by: use.command === "GET_CONFIRMATION" ? "client" : "agent", text }
  const decided = session.services.authority.permit({ ...use, said, confirm: true, counted: true, ...withinOf(permit) })
  const confirmed = Effect.isEffect(decided) ? yield* decided : decided
  if (confirmed._tag === "Refusal") return { kind: "error", error: confirmed.error, reason: confirmed.reason }
  also.push(confirmed)
  return undefined
}

/** What counts within a use that was permitted: its tokens have counted that. */
const withinOf = ({ token }: Permit): Pick<Use, "within"> => token === undefined ? {} : { within: token.by }

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
function* mayAlsoSign(session: SessionContext, permit: Permit, also: Array<Permit>): Effect.fn.Return<boolean> {
  const { services, state } = session
  // what became known since the permit changes nothing about what was permitted
  if (!state.maySignUnknown) return true
  const decision = services.authority.permit({
    ...useOf(session, "PKDECRYPT that may sign", ["sign"], state.keygrips),
    ...withinOf(permit)
  })
  const signing = Effect.isEffect(decision) ? yield* decision : decision
  if (signing._tag === "Refusal" || !(yield* isWrittenDown(signing))) return false
  signing.intent?.outcome("done", "the ciphertext went to the agent", signing.recorded?.number())
  also.push(signing)
  return true
}

function* putToClient(
  session: SessionContext,
  connection: AgentConnection,
  command: Command,
  permit: Permit,
  also: Array<Permit>,
  tries: PassphraseTries,
  spec: InquirySpec,
  asked: Extract<Answer, { kind: "inquire" }>
): Effect.fn.Return<Put> {
  const { client } = session
  const isTried = tries.isOne(spec)
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
      if (given.maySign && !(yield* mayAlsoSign(session, permit, also))) {
        given.lines.fill(0)
        return {
          kind: "error",
          error: gpgError.FORBIDDEN,
          reason: "a decryption that may be a signature, and sign is not allowed"
        }
      }
      if (isTried && !(yield* tries.take())) {
        given.lines.fill(0)
        return TOO_MANY
      }
      const answer = yield* connection.answer(given.lines)
      given.lines.fill(0)
      if (isTried) tries.judge(connection, answer)
      return { kind: "answered", answer }
    }
    case "cancel":
      if (isTried) tries.withdraw()
      return { kind: "answered", answer: yield* connection.answer(CAN_LINE) }
    case "bad":
      if (isTried) tries.withdraw()
      return { kind: "error", error: given.error, reason: given.reason }
    case "violation":
      if (isTried) tries.withdraw()
      connection.close()
      return given
  }
}
