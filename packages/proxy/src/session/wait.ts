// Waiting in a turn: it is not interrupted, so whoever waits in one looks now and then whether it still matters.
import * as Effect from "effect/Effect"
import type { SessionContext } from "./context.ts"

/** How often, in milliseconds. */
const LOOK = 250

/** Waits; false where the client is gone or the gate stops. `isOver` ends it early. */
export function* waitInTurn(
  session: Pick<SessionContext, "client" | "stopping">,
  time: number,
  isOver: () => boolean = () => false
): Effect.fn.Return<boolean> {
  const { client } = session
  const ended = (): boolean => client.gone || client.closedFor !== undefined || session.stopping
  for (let left = time; left > 0 && !ended() && !isOver(); left -= LOOK) yield* Effect.sleep(Math.min(left, LOOK))
  return !ended()
}
