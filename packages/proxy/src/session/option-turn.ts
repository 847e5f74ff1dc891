// Options that the agent has to judge: loopback, which it may not allow, what restricts the connection, and every option
// of a connection that is restricted.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Operation } from "@gripgate/protocol/operation"
import { errLine } from "@gripgate/protocol/reply"
import { writeOption } from "@gripgate/protocol/request"
import type { OptionNameSpec } from "@gripgate/protocol/table/option"
import * as Effect from "effect/Effect"
import { refusal } from "../authority/authority.ts"
import { entryText } from "../journal/record.ts"
import type { Listening } from "../upstream/agent.ts"
import { bringState } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { tokenWasWrong } from "./present.ts"
import type { SessionState } from "./state.ts"
import { open } from "./turn.ts"
import { useOf } from "./use.ts"
import { isWrittenDown, UNWRITTEN } from "./written-down.ts"

const quiet: Listening = { status: [], live: () => {} }

/** Judges the option by the policy: `undefined` for yes, else the line to answer. */
function* judge(
  session: SessionContext,
  option: OptionNameSpec,
  value: Buffer
): Effect.fn.Return<Buffer | undefined> {
  const { app, services, state } = session
  const use = (operations: ReadonlyArray<Operation>) => useOf(session, `OPTION ${option.name}`, operations, [])
  if (option.fate === "mode") {
    // only a refusal is settled here: whoever has to be asked, or to present a token, is so at the first use
    const forbidden = value.equals(LOOPBACK) ? services.authority.forbidsLoopback(app) : undefined
    if (forbidden === undefined) return undefined
    state.loopbackRefused = true
    services.journal.refused(use(["loopback"]), refusal(gpgError.FORBIDDEN, entryText(forbidden.entry)))
    return errLine(gpgError.FORBIDDEN, "gripgate: see the gate's log")
  }
  if (option.is.length === 0 || option.fate === "environment") return undefined
  const decided = services.authority.permit(use(option.is))
  const permit = Effect.isEffect(decided) ? yield* decided : decided
  if (permit._tag === "Refusal") {
    if (permit.error === gpgError.BAD_PASSPHRASE) yield* tokenWasWrong(session)
    return errLine(permit.error)
  }
  if (!(yield* isWrittenDown(permit))) return UNWRITTEN
  permit.intent?.outcome("done", undefined, permit.recorded?.number())
  return undefined
}

function* bring(session: SessionContext, option: OptionNameSpec, value: Buffer): Effect.fn.Return<Buffer> {
  const { app, facts, services, state } = session
  const connection = session.connectionNow(undefined) ?? (yield* open(session, undefined))
  if (connection === undefined) return errLine(gpgError.NO_AGENT)
  const line = writeOption(option.name, isBrowser(option, value) ? REMOTE : value)
  const lines = [...bringState(state, session.environment, connection, undefined), line]
  const answer = yield* connection.exchange(lines, lines.length, quiet)
  switch (answer.kind) {
    case "lost":
      session.disconnect()
      services.journal.unanswered(app, facts, `OPTION ${option.name}`, answer.reason)
      return errLine(gpgError.NO_AGENT)
    case "setter":
      session.disconnect()
      return answer.error
    case "inquire":
      session.disconnect()
      return errLine(gpgError.INV_RESPONSE)
    case "done":
      settle(state, option, value, answer.ok)
      if (answer.ok) {
        connection.applied.set(option.name, line)
        state.options.set(option.name, line)
      }
      return Buffer.from(connection.collected.bytes.subarray(answer.finalAt))
  }
}

/**
 * The agent keeps what a browser unlocks apart, and so the gate keeps there what a seal does: no client gets to that. To be remote
 * has the same restrictions, and a cache of its own.
 */
const isBrowser = ({ name }: OptionNameSpec, value: Buffer): boolean =>
  name === "pretend-request-origin" && value.equals(BROWSER)

const BROWSER = Buffer.from("browser")
const REMOTE = Buffer.from("remote")

/** What the agent's word on an option means for the session. */
const settle = (state: SessionState, option: OptionNameSpec, value: Buffer, ok: boolean): void => {
  if (option.fate === "mode") {
    const loopback = value.equals(LOOPBACK)
    if (ok) {
      state.loopback = loopback
      state.silent = false
    }
    // a refused mode of any other kind changes nothing: an earlier refusal of loopback holds
    state.loopbackRefused = ok ? false : state.loopbackRefused || loopback
  }
  if (option.name === "pretend-request-origin" && ok && !value.equals(LOCAL)) state.restricted = true
}

const LOOPBACK = Buffer.from("loopback")
const LOCAL = Buffer.from("local")

/** Answers an option through the agent. Sends exactly one reply. */
export function* optionTurn(session: SessionContext, option: OptionNameSpec, value: Buffer): Effect.fn.Return<void> {
  const refused = yield* judge(session, option, value)
  session.client.send(refused ?? (yield* bring(session, option, value)))
}
