// What came of a command: the reply to the client, and what it means for keys, for the session and for the journal. Nothing is
// released before all that has to be written down is.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import { errLine } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import type * as Effect from "effect/Effect"
import type { Permit, Use } from "../authority/authority.ts"
import { giveSlab, type Taken } from "../upstream/collector.ts"
import { onlyLooks, prepare } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { type Outcome, takenBack } from "./converse.ts"
import { listsKeys, showVisible } from "./filter.ts"
import { keepImportKey, settleImport } from "./import/import.ts"
import { hasOptionKey } from "./local.ts"
import { keepNonces } from "./nonce.ts"
import { claims, generatedKey } from "./own-keys.ts"
import { isWrittenDown, UNWRITTEN } from "./written-down.ts"

/** Whether the session goes on after a turn. */
export type After = "next" | "close"

/** Answers of cmd_has_option that are remembered: gpg asks for two, and a client could ask for any number of words. */
const MAX_KNOWN = 64

/** The session ends after the reply to this: the agent closes the connection too. */
const endsSession = (command: Command): boolean => command.spec.name === "KILLAGENT"

/** Whether a key that the agent has may be gone after this: forgotten before it is sent, and again when it is done. */
export const mayChangeKeys = ({ spec }: Command): boolean =>
  spec.changes === true || spec.mayBe.includes("card") || spec.mayBe.includes("store")
  || spec.fate === "agent" && spec.mayBe.length === 1 && spec.mayBe[0] === "admin"

/** What came of a command, to the client. Sends exactly one reply. */
export function* finish(
  session: SessionContext,
  asked: Command,
  command: Command,
  use: Use,
  permit: Permit,
  result: Outcome
): Effect.fn.Return<After> {
  const { app, client, facts, services, state } = session
  const { intent, recorded } = permit
  switch (result.kind) {
    case "lost":
      intent?.outcome("lost", result.reason)
      services.known.forget()
      session.disconnect()
      services.journal.unanswered(app, facts, use.command, result.reason)
      client.send(errLine(gpgError.NO_AGENT))
      return "next"
    case "violation":
      intent?.outcome("failed", result.reason)
      session.disconnect()
      services.journal.violation(app, facts, result.reason)
      client.send(errLine(result.error))
      return "close"
    case "error":
      intent?.outcome("refused", result.reason)
      services.journal.rejected(app, facts, use.command, result.reason)
      client.send(errLine(result.error))
      return "next"
    case "setter":
      intent?.outcome("failed", agentError(result.line))
      session.disconnect()
      state.key = state.another = state.hash = undefined
      client.send(result.line)
      return "next"
    case "done": {
      keepImportKey(session, command, result)
      const settled = yield* settleImport(session, command, result)
      yield* settleKeys(session, command, settled)
      // an agent that goes while this waits takes its answer with it
      const answer = settled.connection.collected.take()!
      if (!(yield* isWrittenDown(permit))) {
        giveSlab(answer.slab, answer.bytes.length)
        client.send(UNWRITTEN)
        return "next"
      }
      const grantsAt = recorded?.number()
      // what was done is done and noted; what came of it stays here
      const gone = [permit, ...result.also].find(({ alive }) => !alive())
      if (gone !== undefined) {
        const { error, reason } = takenBack(gone)
        intent?.outcome("refused", reason, grantsAt)
        giveSlab(answer.slab, answer.bytes.length)
        services.journal.rejected(app, facts, use.command, reason)
        client.send(errLine(error))
        return "next"
      }
      if (settled.ok) intent?.outcome("done", undefined, grantsAt)
      else intent?.outcome("failed", agentError(answer.bytes.subarray(settled.finalAt)), grantsAt)
      release(session, asked, command, settled, answer)
      return settled.ok && endsSession(command) ? "close" : "next"
    }
  }
}

/** The number of an ERR and what the agent calls it: the rest of such a line is nobody's business. */
const agentError = (line: Uint8Array): string => {
  const [, number, text] = /^ERR (\d{1,10})(?: ([^\r\n<]{0,100}))?/.exec(Buffer.from(line).toString("latin1", 0, 128))
    ?? []
  return number === undefined ? "" : `${number} ${text?.trim() ?? ""}`
}

/** Whether the agent has other keys after a command, so that the directory reads them again. */
const changesKeys = (command: Command): boolean =>
  command.spec.changes === true || command.spec.name === "LEARN" || has(command, "--card")

/** What a command that was done means for whose keys there are. */
function* settleKeys(
  session: SessionContext,
  command: Command,
  { connection, ok }: Extract<Outcome, { kind: "done" }>
): Effect.fn.Return<void> {
  const { keys } = session.services
  if (!ok || !changesKeys(command)) return
  keys.changed()
  if (command.spec.name === "DELETE_KEY") {
    for (const keygrip of command.args.filter(isKeygrip)) yield* keys.gone(keygrip)
  }
  if (command.spec.name !== "GENKEY" || !claims(session)) return
  const answer = Buffer.from(connection.collected.bytes)
  connection.collected.clear()
  const keygrip = yield* generatedKey(session, connection, answer)
  if (keygrip !== undefined) yield* keys.made(session.app, keygrip, "generated")
  connection.collected.clear()
  connection.collected.append(answer)
}

/** Sends the agent's answer, without what this client may not see. */
const release = (
  session: SessionContext,
  asked: Command,
  command: Command,
  result: Extract<Outcome, { kind: "done" }>,
  taken: Taken
): void => {
  const { client, services, state } = session
  if (command.spec.name === "GETINFO" && command.args[0] === "cmd_has_option" && services.hasOption.size < MAX_KNOWN) {
    services.hasOption.set(hasOptionKey(result.connection.version, command), result.ok)
  }
  if (command.spec.name === "SETHASH" && result.ok) {
    state.hash = has(command, "--inquire") ? "agent" : writeRequest(command)
  }
  if (endsSession(command) && result.ok) services.router.forget()
  if (command.spec.name === "HAVEKEY" && result.ok && !state.options.has("ephemeral")) services.known.note(command)
  if (mayChangeKeys(command)) services.known.forget()
  keepNonces(state, command, taken.bytes)
  if (!services.keys.seesAll(session.app) && listsKeys(command)) {
    client.send(showVisible(asked, taken.bytes, result.finalAt, session.visible))
    taken.slab.fill(0, 0, taken.bytes.length)
  } else client.sendSlab(taken.bytes, taken.slab)
  if (onlyLooks(command)) prepare(session, result.connection)
}
