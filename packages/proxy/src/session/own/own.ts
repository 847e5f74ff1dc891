// GRIPGATE: what an app asks the gate itself. Sends exactly one reply.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Command } from "@gripgate/protocol/grammar/command"
import { errLine, OK_LINE } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { TokenGrant } from "../../grant/token-grant.ts"
import type { SessionContext } from "../context.ts"
import { tokenWasWrong } from "../present.ts"
import { requestToken } from "./request.ts"
import { whoAmI } from "./whoami.ts"

/** Whether the gate itself is meant. */
export const isOwn = (command: Command): boolean => command.spec.name === "GRIPGATE"

/** Answers it. */
export function* answerOwn(session: SessionContext, command: Command): Effect.fn.Return<void> {
  const inner = command.inner!
  switch (inner.spec.name) {
    case "WHOAMI": {
      const answer = whoAmI(session, inner)
      yield* wrongToken(session)
      return session.client.send(answer)
    }
    case "REQUEST":
      return yield* requestToken(session, inner)
    default:
      return session.client.send(yield* giveBack(session, String(inner.args[0])))
  }
}

/** A token that was looked at here is counted as everywhere. */
function* wrongToken(session: SessionContext): Effect.fn.Return<void> {
  const { app, facts, services, tokens } = session
  const why = tokens.takeRejection()
  if (why === undefined) return
  services.journal.rejected(app, facts, "GRIPGATE WHOAMI", why)
  yield* tokenWasWrong(session)
}

/** A grant of this app is revoked; of another one it is not even there. */
function* giveBack(session: SessionContext, id: string): Effect.fn.Return<Buffer> {
  const { app, facts, services } = session
  const { log, tokens } = services.own
  const grant = tokens.get(id.toUpperCase())
  if (grant === undefined || app === undefined || grant.app !== app || !canBeReturned(grant)) {
    services.journal.rejected(app, facts, "GRIPGATE RETURN", "this app has no such grant in force")
    return errLine(gpgError.NOT_FOUND)
  }
  const by = { through: "app", ...facts.uid !== undefined && { uid: facts.uid } }
  const revoked = yield* Effect.result(tokens.revoke([grant], by, "returned"))
  if (Result.isSuccess(revoked)) {
    log.write(5, `the grant ${grant.id} was given back by the app ${app}`)
    return OK_LINE
  }
  log.write(3, revoked.failure)
  return errLine(gpgError.FORBIDDEN, "gripgate: see the gate's log")
}

/** In force, or taken back and not written down yet: a restart would bring it back. */
const canBeReturned = ({ revokedAt, unwritten }: TokenGrant): boolean => revokedAt === undefined || unwritten === true
