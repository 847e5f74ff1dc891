// A command that needs the agent, from the permit to the reply. A turn that has begun is not interrupted half-way.
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Permit, Use } from "../authority/authority.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import type { AgentConnection } from "../upstream/agent.ts"
import { onlyLooks, optionsAhead } from "./bring.ts"
import { ownCacheId } from "./cache-id.ts"
import type { SessionContext } from "./context.ts"
import { converse, type Outcome, takenBack } from "./converse.ts"
import { digestOf } from "./digest.ts"
import { listsKeys, narrow, showVisible } from "./filter.ts"
import { keepImportKey, settleImport } from "./import/import.ts"
import { hasOptionKey } from "./local.ts"
import { keygripsOf, operationsOf, refusedHere } from "./needs.ts"
import { keepNonces, ownNonces } from "./nonce.ts"
import { claims, generatedKey } from "./own-keys.ts"
import { askForToken, canPresent, tokenWasRight, tokenWasWrong } from "./present.ts"
import { usesKeydesc } from "./prompt/announce.ts"
import { isForOwner, needsAnnouncement, promptFor } from "./prompt/prompt.ts"
import { wordsOf } from "./prompt/text.ts"
import { sealedUse, sealFor } from "./sealed.ts"
import { useOf } from "./use.ts"

/** Whether the session goes on after a turn. */
export type After = "next" | "close"

/** Answers of cmd_has_option that are remembered: gpg asks for two, and a client could ask for any number of words. */
const MAX_KNOWN = 64

/** The session ends after the reply to this: the agent closes the connection too. */
const endsSession = (command: Command): boolean => command.spec.name === "KILLAGENT"

/** Whether a key that the agent has may be gone after this: forgotten before it is sent, and again when it is done. */
const mayChangeKeys = ({ spec }: Command): boolean =>
  spec.changes === true || spec.mayBe.includes("card") || spec.mayBe.includes("store")
  || spec.fate === "agent" && spec.mayBe.length === 1 && spec.mayBe[0] === "admin"

/** Runs one command against the agent. Sends exactly one reply. */
export function* turn(session: SessionContext, asked: Command): Effect.fn.Return<After> {
  const { app, client, facts, services, state } = session
  const narrowed = services.keys.seesAll(app) ? asked : narrow(asked, session.visible)
  if (narrowed === undefined) {
    client.send(errLine(asked.spec.name === "KEYINFO" ? gpgError.NOT_FOUND : gpgError.NO_SECKEY))
    return "next"
  }
  const refused = refusedHere(session, narrowed)
  if (refused !== undefined) {
    services.journal.rejected(app, facts, narrowed.spec.name, refused[1])
    client.send(errLine(refused[0]))
    return "next"
  }
  let use = useFor(session, narrowed)
  let decided = services.authority.permit(canPresent(session, narrowed) ? { ...use, canPresent: true } : use)
  let permit = Effect.isEffect(decided) ? yield* decided : decided
  if (permit._tag === "Refusal" && permit.wantsToken === true) {
    const asked = yield* askForToken(session)
    if (asked.kind !== "presented") {
      if (asked.kind === "violation") services.journal.violation(app, facts, asked.reason)
      else services.journal.rejected(app, facts, use.command, asked.reason)
      client.send(errLine(asked.error))
      return asked.kind === "violation" ? "close" : "next"
    }
    use = useFor(session, narrowed)
    decided = services.authority.permit(use)
    permit = Effect.isEffect(decided) ? yield* decided : decided
  }
  if (permit._tag === "Refusal") {
    const { error } = permit
    if (error === gpgError.BAD_PASSPHRASE) yield* tokenWasWrong(session)
    client.send(errLine(error, error === gpgError.FORBIDDEN ? "gripgate: see the gate's log" : undefined))
    return "next"
  }
  if (permit.token !== undefined) tokenWasRight(session)
  const changed = Effect.isEffect(decided) ? changedMeanwhile(session, use, narrowed) : undefined
  if (changed !== undefined) {
    services.journal.rejected(app, facts, use.command, changed[1])
    client.send(errLine(changed[0]))
    return "next"
  }
  if (use.said !== undefined) {
    // the owner has answered it
    client.send(OK_LINE)
    return "next"
  }
  if (services.known.has(narrowed)) {
    client.send(OK_LINE)
    prepare(session, session.connectionNow(undefined))
    return "next"
  }
  if (mayChangeKeys(narrowed)) services.known.forget()
  const seal = sealFor(narrowed, use, permit)
  if (seal !== undefined) return yield* sealedTurn(session, narrowed, use, permit, seal)
  const connection = session.connectionNow(use.keygrips[0]) ?? (yield* open(session, use.keygrips[0]))
  // that there is none has been told already
  if (connection === undefined) {
    client.send(errLine(gpgError.NO_AGENT))
    return "next"
  }
  // what was chosen may have gone with another connection, and the agent would sign an empty string
  const gone = permit.alive() ? refusedHere(session, narrowed) : backFrom(permit)
  if (gone !== undefined) {
    services.journal.rejected(app, facts, use.command, gone[1])
    client.send(errLine(gone[0]))
    return "next"
  }
  const prompt = promptFor(session, ownNonces(state, narrowed), use)
  const command = ownCacheId(session, prompt.command)
  const result = yield* converse(connection, session, { ...prompt, command }, use, permit)
  if (usesKeydesc(command)) state.keydesc = undefined
  return yield* finish(session, asked, command, use, permit, result)
}

/** A use with a seal, over a connection of its own. */
function* sealedTurn(
  session: SessionContext,
  command: Command,
  use: Use,
  permit: Permit,
  seal: AcceptedToken
): Effect.fn.Return<After> {
  const result = yield* sealedUse(session, command, use, permit, seal)
  session.state.keydesc = undefined
  const after = yield* finish(session, command, command, use, permit, result)
  if (result.kind === "done") result.connection.close()
  return after
}

/** What came of a command, to the client. Sends exactly one reply. */
function* finish(
  session: SessionContext,
  asked: Command,
  command: Command,
  use: Use,
  permit: Permit,
  result: Outcome
): Effect.fn.Return<After> {
  const { app, client, facts, services, state } = session
  switch (result.kind) {
    case "lost":
      services.known.forget()
      session.disconnect()
      services.journal.unanswered(app, facts, use.command, result.reason)
      client.send(errLine(gpgError.NO_AGENT))
      return "next"
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
    case "done": {
      keepImportKey(session, command, result)
      const settled = yield* settleImport(session, command, result)
      yield* settleKeys(session, command, settled)
      const { recorded } = permit
      const written = recorded === undefined || recorded.isWritten() || (yield* recorded.written)
      // what was done is done and noted; what came of it stays here
      const back = !permit.alive() ? backFrom(permit) : written ? undefined : UNWRITTEN
      if (back !== undefined) {
        settled.connection.collected.clear()
        services.journal.rejected(app, facts, use.command, back[1])
        client.send(errLine(back[0]))
        return "next"
      }
      release(session, asked, command, settled)
      return settled.ok && endsSession(command) ? "close" : "next"
    }
  }
}

const backFrom = (permit: Permit): readonly [GpgError, string] => {
  const { error, reason } = takenBack(permit)
  return [error, reason]
}

const UNWRITTEN = [gpgError.FORBIDDEN, "the use cannot be written down, so that nothing of it is released"] as const

/** Commands that make a signature of what was given before; to a card it is given in a way that the gate does not read. */
const signs: ReadonlySet<string> = new Set(["PKSIGN", "SCD PKSIGN", "SCD PKAUTH"])

/** What a command amounts to, and what the owner is to see of it. */
const useFor = (session: SessionContext, command: Command): Use => {
  const { state } = session
  const keygrips = keygripsOf(session, command)
  const name = command.inner === undefined ? command.spec.name : `SCD ${command.inner.spec.name}`
  const operations = isInVain(session, command) ? [] : withSign(session, command, keygrips)
  const use = useOf(session, name, operations, keygrips)
  if (isForOwner(session, command)) {
    return { ...use, said: { by: "client", text: wordsOf(command.args[0]) }, confirm: true }
  }
  const announced = signs.has(name)
    ? { ...use, digest: () => name === "PKSIGN" ? digestOf(state.hash) : "unseen" as const }
    : use
  return needsAnnouncement(session, command, use) ? { ...announced, confirm: true } : announced
}

/** Whether the agent itself refuses what the owner would be asked for: in these modes it confirms nothing. */
const isInVain = ({ app, services, state }: SessionContext, { spec }: Command): boolean =>
  spec.name === "GET_CONFIRMATION" && state.silent && services.authority.verdict(app, "passphrase").verdict === "ask"

/**
 * The operations of a command. A decryption with a key of which nobody knows what it is for may be a signature: where that needs
 * the owner's yes, one question serves both; else it is judged when the ciphertext is there.
 */
const withSign = (
  session: SessionContext,
  command: Command,
  keygrips: ReadonlyArray<Keygrip>
): ReadonlyArray<Operation> => {
  const { app, services, state } = session
  const operations = operationsOf(session, command)
  if (command.spec.name !== "PKDECRYPT") return operations
  const unknown = keygrips.filter((keygrip) => services.keys.info(keygrip).capabilities === undefined)
  const asks = unknown.some((keygrip) => services.authority.verdict(app, "sign", keygrip).verdict === "ask")
  state.maySignUnknown = unknown.length > 0 && !asks
  return asks ? [...operations, "sign"] : operations
}

/** Whoever waited for the owner may be somebody else by now, or lack what he had; the number for the client and why. */
const changedMeanwhile = (
  session: SessionContext,
  use: Use,
  command: Command
): ReturnType<typeof refusedHere> =>
  session.app === use.app
    ? refusedHere(session, command)
    : [gpgError.FORBIDDEN, "the policy that was read meanwhile takes the client for somebody else"]

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

/** While the client thinks about an answer the agent has time for what the next command will need. */
const prepare = (session: SessionContext, connection: AgentConnection | undefined): void =>
  connection?.ahead(optionsAhead(session.state, session.environment, connection))

/** A connection that has to be opened; `undefined` where no agent can be had. */
export function* open(
  session: SessionContext,
  keygrip: Keygrip | undefined
): Effect.fn.Return<AgentConnection | undefined> {
  const opened = yield* Effect.result(session.connect(keygrip))
  return Result.isFailure(opened) ? undefined : opened.success
}

/** Sends the agent's answer, without what this client may not see. */
const release = (
  session: SessionContext,
  asked: Command,
  command: Command,
  result: Extract<Outcome, { kind: "done" }>
): void => {
  const { client, services, state } = session
  const taken = result.connection.collected.take()!
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
