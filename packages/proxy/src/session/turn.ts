// A command that needs the agent, from the permit to the reply. A turn that has begun is not interrupted half-way.
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { changes, type Command } from "@gripgate/protocol/grammar/command"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Permit, Use } from "../authority/authority.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import type { AgentConnection } from "../upstream/agent.ts"
import { prepare } from "./bring.ts"
import { ownCacheId } from "./cache-id.ts"
import type { SessionContext } from "./context.ts"
import { converse, takenBack } from "./converse.ts"
import { narrow } from "./filter.ts"
import { type After, finish, mayChangeKeys } from "./finish.ts"
import { refusedHere } from "./needs.ts"
import { ownNonces } from "./nonce.ts"
import { askForToken, canPresent, tokenWasRight, tokenWasWrong } from "./present.ts"
import { usesKeydesc } from "./prompt/announce.ts"
import { promptFor } from "./prompt/prompt.ts"
import { sealedUse, sealFor } from "./sealed.ts"
import { useFor } from "./use-of-command.ts"
import { isWrittenDown, UNWRITTEN } from "./written-down.ts"

/** Runs one command against the agent. Sends exactly one reply. */
export function* turn(session: SessionContext, asked: Command): Effect.fn.Return<After> {
  const { app, client, facts, services } = session
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
  try {
    const changed = Effect.isEffect(decided) ? changedMeanwhile(session, use, narrowed) : undefined
    return yield* permitted(session, asked, narrowed, use, permit, changed)
  } finally {
    permit.intent?.outcome("lost", "the session ended")
  }
}

/** What is permitted, unless something `changed` while the owner was asked. Every way out says what came of it. */
function* permitted(
  session: SessionContext,
  asked: Command,
  narrowed: Command,
  use: Use,
  permit: Permit,
  changed: ReturnType<typeof refusedHere>
): Effect.fn.Return<After> {
  const { app, client, facts, services, state } = session
  const { intent } = permit
  if (changed !== undefined) {
    intent?.outcome("refused", changed[1])
    services.journal.rejected(app, facts, use.command, changed[1])
    client.send(errLine(changed[0]))
    return "next"
  }
  if (use.said !== undefined) {
    // the owner has answered it
    const written = yield* isWrittenDown(permit)
    intent?.outcome("done")
    client.send(written ? OK_LINE : UNWRITTEN)
    return "next"
  }
  if (services.known.has(narrowed)) {
    intent?.outcome("done")
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
    intent?.outcome("lost", "there is no agent")
    client.send(errLine(gpgError.NO_AGENT))
    return "next"
  }
  // what was chosen may have gone with another connection, and the agent would sign an empty string
  const gone = permit.alive() ? refusedHere(session, narrowed) : backFrom(permit)
  if (gone !== undefined) {
    intent?.outcome("refused", gone[1])
    services.journal.rejected(app, facts, use.command, gone[1])
    client.send(errLine(gone[0]))
    return "next"
  }
  // what it changes cannot be taken back where it cannot be written down
  if (changes(narrowed) && !(yield* isWrittenDown(permit))) {
    client.send(UNWRITTEN)
    return "next"
  }
  const asItWas = permit.token?.inBand === false ? state.askOwner() : undefined
  try {
    const prompt = promptFor(session, ownNonces(state, narrowed), use)
    const command = ownCacheId(session, prompt.command)
    const result = yield* converse(connection, session, { ...prompt, command }, use, permit)
    if (usesKeydesc(command)) state.keydesc = undefined
    return yield* finish(session, asked, command, use, permit, result)
  } finally {
    asItWas?.()
  }
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

/** Whoever waited for the owner may be somebody else by now, or lack what he had; the number for the client and why. */
const changedMeanwhile = (
  session: SessionContext,
  use: Use,
  command: Command
): ReturnType<typeof refusedHere> =>
  session.app === use.app
    ? refusedHere(session, command)
    : [gpgError.FORBIDDEN, "the policy that was read meanwhile takes the client for somebody else"]

/** A connection that has to be opened; `undefined` where no agent can be had. */
export function* open(
  session: SessionContext,
  keygrip: Keygrip | undefined
): Effect.fn.Return<AgentConnection | undefined> {
  const opened = yield* Effect.result(session.connect(keygrip))
  return Result.isFailure(opened) ? undefined : opened.success
}

const backFrom = (permit: Permit): readonly [GpgError, string] => {
  const { error, reason } = takenBack(permit)
  return [error, reason]
}
