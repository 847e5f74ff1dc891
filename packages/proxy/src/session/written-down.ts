// Nothing of a use is released before all that has to be written down of it is.
import { gpgError } from "@gripgate/protocol/gpg-error"
import { errLine } from "@gripgate/protocol/reply"
import type * as Effect from "effect/Effect"
import type { Permit } from "../authority/authority.ts"

/** Whether all of it is durable; it is waited for, and has had as long as the agent took. */
export function* isWrittenDown({ intent, recorded }: Permit): Effect.fn.Return<boolean> {
  if (recorded !== undefined && !recorded.isWritten() && !(yield* recorded.written)) return false
  return intent === undefined || intent.isWritten() || (yield* intent.written)
}

/** To whoever wants what cannot be written down. */
export const UNWRITTEN: Buffer = errLine(gpgError.FORBIDDEN, "gripgate: see the gate's log")
