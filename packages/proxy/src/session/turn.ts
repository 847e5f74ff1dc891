// A command that needs the agent, from the permit to the reply. A turn that has begun is not interrupted half-way.
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, has, inquiriesOf } from "@gripgate/protocol/grammar/command"
import { isKeygrip } from "@gripgate/protocol/grammar/field"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import { writeRequest } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Use } from "../authority/authority.ts"
import type { AgentConnection } from "../upstream/agent.ts"
import { onlyLooks, optionsAhead, usesKeydesc } from "./bring.ts"
import type { SessionContext } from "./context.ts"
import { converse, type Outcome } from "./converse.ts"
import { listsKeys, narrow, showVisible } from "./filter.ts"
import { hasOptionKey } from "./local.ts"
import { keepNonces, ownNonces } from "./nonce.ts"

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

/** What the command amounts to in this session. A passphrase in band needs `loopback` beside it. */
const operationsOf = (session: SessionContext, command: Command): ReadonlyArray<Operation> => {
  const operations = command.spec.operations(command)
  const inBand = (session.state.loopback && inquiriesOf(command).some((inquiry) => inquiry.loopback === true))
    || has(command, "--inq-passwd")
    || (command.spec.name === "PRESET_PASSPHRASE" && has(command, "--inquire"))
  return inBand ? [...operations, "loopback"] : operations
}

const keygripsOf = (session: SessionContext, command: Command): ReadonlyArray<Keygrip> => {
  if (command.spec.keys === "session") return session.state.keygrips
  return command.spec.keys === "use" ? command.args.filter(isKeygrip) : []
}

/** Whether a command shows or uses keys of a card: all of SCD but the probes that gpg sends in ordinary work. */
const usesCard = (command: Command): boolean =>
  command.inner === undefined
    ? command.spec.name === "LEARN" || has(command, "--card")
    : command.inner.spec.name !== "SERIALNO" && command.inner.spec.name !== "GETINFO"

/** Why a command cannot be sent whatever the policy says. */
const refusedHere = (session: SessionContext, command: Command): readonly [GpgError, string] | undefined => {
  const { state } = session
  if (state.loopbackRefused && inquiriesOf(command).some((inquiry) => inquiry.loopback === true)) {
    return [gpgError.FORBIDDEN, "this session was refused loopback, and has not chosen another pinentry-mode since"]
  }
  if (!session.services.keys.seesAll(session.app)) {
    if (usesCard(command)) {
      return [gpgError.NO_SECKEY, "what keys a card has is not known, and this client may see only some"]
    }
    // the key that it overwrites may be one that does not exist for this client
    if (has(command, "--force") && command.spec.name === "IMPORT_KEY") {
      return [gpgError.FORBIDDEN, "IMPORT_KEY --force may overwrite a key that this client does not see"]
    }
  }
  if (command.spec.keys !== "session") return undefined
  if (state.key === undefined) return [gpgError.NO_SECKEY, "no key was chosen"]
  // without a hash the agent signs an empty string
  if (command.spec.name === "PKSIGN" && state.hash === undefined) return [gpgError.NO_DATA, "no hash was given"]
  return undefined
}

/** Runs one command against the agent. Sends exactly one reply. */
export function* turn(session: SessionContext, asked: Command): Effect.fn.Return<After> {
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
  const decided = services.authority.permit(use)
  const permit = Effect.isEffect(decided) ? yield* decided : decided
  if (permit._tag === "Refusal") {
    const { error } = permit
    client.send(errLine(error, error === gpgError.FORBIDDEN ? "gripgate: see the gate's log" : undefined))
    return "next"
  }
  if (services.known.has(command)) {
    client.send(OK_LINE)
    prepare(session, session.connectionNow(undefined))
    return "next"
  }
  if (mayChangeKeys(command)) services.known.forget()
  const connection = session.connectionNow(use.keygrips[0]) ?? (yield* open(session, use.keygrips[0]))
  // that there is none has been told already
  if (connection === undefined) {
    client.send(errLine(gpgError.NO_AGENT))
    return "next"
  }
  const result = yield* converse(connection, session, ownNonces(state, command))
  if (usesKeydesc(command)) state.keydesc = undefined
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
    case "done":
      if (!permit.alive()) {
        session.connection?.collected.clear()
        client.send(errLine(gpgError.FORBIDDEN))
        return "next"
      }
      release(session, command, result)
      return result.ok && endsSession(command) ? "close" : "next"
  }
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
  if (command.spec.name === "HAVEKEY" && result.ok && !state.options.has("ephemeral")) services.known.note(command)
  if (mayChangeKeys(command)) services.known.forget()
  keepNonces(state, command, taken.bytes)
  if (!services.keys.seesAll(session.app) && listsKeys(command)) {
    client.send(Buffer.concat([
      showVisible(command, taken.bytes.subarray(0, result.finalAt), session.visible),
      taken.bytes.subarray(result.finalAt)
    ]))
    taken.slab.fill(0, 0, taken.bytes.length)
  } else client.sendSlab(taken.bytes, taken.slab)
  if (onlyLooks(command)) prepare(session, result.connection)
}
