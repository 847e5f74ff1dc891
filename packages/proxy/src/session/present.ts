// The gate itself asks a client for a token, as the agent asks for a passphrase in loopback mode: before anything goes to the
// agent, and whether or not that has the key unlocked. What comes is taken for a token and for nothing else.
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { type Command, inquiriesOf } from "@gripgate/protocol/grammar/command"
import { inquireLine, statusLine } from "@gripgate/protocol/reply"
import { PASSPHRASE } from "@gripgate/protocol/table/define"
import type * as Effect from "effect/Effect"
import { LONGEST_WAIT } from "../authority/wrong-answers.ts"
import type { SessionContext } from "./context.ts"
import { readSecret } from "./inquiry.ts"
import { waitInTurn } from "./wait.ts"

/** How it went: something was presented, whether it holds or not; or there is no token. */
export type Asked =
  | { readonly kind: "presented" }
  | { readonly kind: "none" | "violation"; readonly error: GpgError; readonly reason: string }

const INQUIRY = Buffer.concat([
  statusLine("INQUIRE_MAXLEN", String(PASSPHRASE.limit)),
  inquireLine(PASSPHRASE.keyword)
])

/** Whether a client can be asked: in loopback mode, at a command that uses a key and may ask for its passphrase. */
export const canPresent = ({ state }: SessionContext, command: Command): boolean =>
  state.loopback && command.spec.keys === "session"
  && inquiriesOf(command).some(({ keyword, loopback }) => keyword === PASSPHRASE.keyword && loopback === true)

/** Asks for a token. */
export function* askForToken({ client, tokens }: SessionContext): Effect.fn.Return<Asked> {
  client.send(INQUIRY)
  const given = yield* readSecret(client, PASSPHRASE, PASSPHRASE.limit)
  switch (given.kind) {
    case "data":
      tokens.give(given.bytes)
      return { kind: "presented" }
    case "cancel":
      return { kind: "none", error: gpgError.FORBIDDEN, reason: "a token is needed, and the client gave none" }
    case "bad":
      // too long to be one, and refused like everything that is none
      tokens.give(Buffer.alloc(0))
      return { kind: "presented" }
    case "violation":
      return given
  }
}

/** Who tries tokens: an app, or a user who is no app. */
const guesserOf = ({ app, facts }: SessionContext): string => `token ${app ?? `(user ${facts.uid ?? "unknown"})`}`

/** A token permitted something, which one that is used up does not: what was wrong before is forgiven. */
export const tokenWasRight = (session: SessionContext): void => {
  if (!session.tokens.takeFresh()) return
  const { wrongAnswers } = session.services
  const guesser = guesserOf(session)
  if (wrongAnswers.turn(guesser) !== undefined) wrongAnswers.right(guesser)
}

/**
 * Milliseconds that an answer to a wrong token waits in any case: what is wrong shows sooner or later by some hundredths of one,
 * which is little beside this and the jitter of a timer.
 */
const LEAST_WAIT = 2

/** A token did not hold: the answer waits, longer with each one. It is the same whatever was wrong. */
export function* tokenWasWrong(session: SessionContext): Effect.fn.Return<void> {
  // whoever asks again who it is does not pay for it twice
  session.tokens.takeRejection()
  const { wrongAnswers } = session.services
  const guesser = guesserOf(session)
  const wait = wrongAnswers.turn(guesser)
  if (wait === undefined) {
    // to answer at once would tell those who fill the queue what came of their guesses
    yield* waitInTurn(session, LONGEST_WAIT)
    return
  }
  try {
    yield* waitInTurn(session, Math.max(wait, LEAST_WAIT))
  } finally {
    wrongAnswers.wrong(guesser)
  }
}
