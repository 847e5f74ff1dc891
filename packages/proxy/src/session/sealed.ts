// A use with a seal: the gate gives the agent the passphrase, over a connection of its own, so that nothing is left behind that
// another client of the gate could use. A signature goes past the agent's cache; a decryption goes through the one for browsers, and
// clients that name themselves one are shown to the agent as remote ones. Whoever reaches the agent's own sockets, past the gate, can
// say that he is a browser: until the agent forgets, he has this key and all with the same passphrase, to sign with too.
// Where the agent asked for nothing, the passphrase is checked against the key all the same: a seal is good only as long as it is
// the passphrase.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Command } from "@gripgate/protocol/grammar/command"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { writeOption } from "@gripgate/protocol/request"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Permit, Use } from "../authority/authority.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import { protectionOf } from "../keys/protection.ts"
import type { AgentConnection } from "../upstream/agent.ts"
import { checkPassphrase } from "../upstream/check-passphrase.ts"
import { passphraseLines } from "../upstream/passphrase-lines.ts"
import { errorCodeOf, LOOPBACK_MODE } from "../upstream/said.ts"
import type { SessionContext } from "./context.ts"
import { converse, type Outcome } from "./converse.ts"

const NO_CACHE = writeOption("use-cache-for-signing", Buffer.from("0"))
/** A level of the agent's cache apart from all others (GnuPG agent/cache.c); see option-turn.ts for who else could be there. */
const APART = writeOption("pretend-request-origin", Buffer.from("browser"))

/** The token whose seal is for this use; `undefined` where the agent is asked as for any other. */
export const sealFor = (command: Command, use: Use, permit: Permit): AcceptedToken | undefined => {
  const [keygrip, another] = use.keygrips
  if (keygrip === undefined || another !== undefined || !isSealedCommand(command)) return undefined
  return permit.token?.sealed(keygrip)
}

const isSealedCommand = ({ spec }: Command): boolean => spec.name === "PKSIGN" || spec.name === "PKDECRYPT"

/** Runs PKSIGN or PKDECRYPT with a seal. The connection of an outcome that is done is closed by whoever releases it. */
export function* sealedUse(
  session: SessionContext,
  command: Command,
  use: Use,
  permit: Permit,
  token: AcceptedToken
): Effect.fn.Return<Outcome> {
  const keygrip = use.keygrips[0]!
  const opened = yield* Effect.result(session.dedicated(keygrip))
  if (Result.isFailure(opened)) return { kind: "lost", reason: opened.failure.reason }
  const connection = opened.success
  const outcome = yield* over(connection, session, command, use, permit, token, keygrip)
  if (outcome.kind !== "done") connection.close()
  return outcome
}

function* over(
  connection: AgentConnection,
  session: SessionContext,
  command: Command,
  use: Use,
  permit: Permit,
  token: AcceptedToken,
  keygrip: Keygrip
): Effect.fn.Return<Outcome> {
  const { state } = session
  const protection = yield* protectionOf(connection, keygrip, [LOOPBACK_MODE])
  switch (protection) {
    case "protected":
      break
    case "clear":
      return yield* staleNow(session, token, keygrip, "the key has no passphrase any more")
    case "card":
      // what is on a card wants its PIN, and each wrong one is a try less
      return yield* staleNow(session, token, keygrip, "the key is on a card now")
    case "none":
      return error(gpgError.NO_SECKEY, "the agent does not have the key")
    case "no loopback":
      return error(gpgError.NOT_SUPPORTED, "the agent allows no loopback, so that a seal cannot be used")
    case "lost":
      return { kind: "lost", reason: "the agent said nothing of the key" }
  }
  const signs = command.spec.name === "PKSIGN"
  if (signs && !(state.hash instanceof Buffer)) {
    return error(gpgError.NOT_SUPPORTED, "what the agent itself was given to sign cannot be signed with a seal")
  }
  let given = 0
  let isOpen = true
  const passphrase = (): Buffer | undefined => {
    if (given++ > 0) return undefined
    const opened = token.open(keygrip)
    isOpen = opened !== undefined
    return passphraseLines(opened)
  }
  // a nonce is of no use where the passphrase is given, and belongs to another connection
  const bare = { ...command, args: [] }
  const outcome = yield* converse(connection, session, { command: bare, keydesc: undefined }, use, permit, {
    setters: signs ? [NO_CACHE, state.key!.line, state.hash as Buffer] : [APART, state.key!.line],
    passphrase
  })
  if (!isOpen) {
    connection.collected.clear()
    return yield* staleNow(session, token, keygrip, UNOPENED)
  }
  if (outcome.kind !== "done") return outcome
  if (!outcome.ok) {
    return isBadPassphrase(connection, outcome.finalAt) && given > 0
      ? yield* staleNow(session, token, keygrip, CHANGED)
      : outcome
  }
  if (given > 0) return outcome
  const checked = yield* checkSeal(session, token, keygrip)
  if (checked === undefined) return outcome
  connection.collected.clear()
  return checked
}

const CHANGED = "its passphrase was changed"
const UNOPENED = "the seal does not open: what is kept of the grant is not what was written"

const error = (of: Extract<Outcome, { kind: "error" }>["error"], reason: string): Outcome => ({
  kind: "error",
  error: of,
  reason
})

/** The agent had the key unlocked: whether the seal is its passphrase all the same; `undefined` for yes. */
function* checkSeal(
  session: SessionContext,
  token: AcceptedToken,
  keygrip: Keygrip
): Effect.fn.Return<Outcome | undefined> {
  const opened = yield* Effect.result(session.dedicated(keygrip))
  if (Result.isFailure(opened)) return { kind: "lost", reason: opened.failure.reason }
  const connection = opened.success
  const passphrase = token.open(keygrip)
  const checked = passphrase === undefined ? "unopened" : yield* checkPassphrase(connection, keygrip, passphrase)
  passphrase?.fill(0)
  connection.close()
  switch (checked) {
    case "right":
      return undefined
    case "wrong":
      return yield* staleNow(session, token, keygrip, CHANGED)
    case "unopened":
      return yield* staleNow(session, token, keygrip, UNOPENED)
    case "unprotected":
      return yield* staleNow(session, token, keygrip, "the key has no passphrase any more")
    default:
      return error(gpgError.BAD_PASSPHRASE, `the seal cannot be checked: ${checked.failed}`)
  }
}

/** The seal is not the key's passphrase any more: from now on it is not tried again. */
function* staleNow(
  session: SessionContext,
  token: AcceptedToken,
  keygrip: Keygrip,
  why: string
): Effect.fn.Return<Outcome> {
  yield* session.services.stale(token, keygrip)
  return error(gpgError.BAD_PASSPHRASE, `the grant ${token.grant.id} is stale: ${why}`)
}

const isBadPassphrase = ({ collected }: AgentConnection, finalAt: number): boolean =>
  errorCodeOf(collected.bytes.subarray(finalAt)) === (gpgError.BAD_PASSPHRASE.value & 0xffff)
