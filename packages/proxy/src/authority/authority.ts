// The one place where it is decided: a use in, a permit or a refusal out. Grants, limits and questions to the owner come
// behind this interface.
import type { Held } from "@gripgate/policy/decide"
import type { GpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Facts } from "../listen/facts.ts"

/** What a client wants to happen. */
export interface Use {
  readonly app: string | undefined
  readonly facts: Facts
  /** The command, for people. */
  readonly command: string
  /** Each of them needs a verdict, as has what it amounts to with the keys; the strictest holds. */
  readonly operations: ReadonlyArray<Operation>
  /** The keys that are used. */
  readonly keygrips: ReadonlyArray<Keygrip>
}

/** A yes. It is looked at again before an answer is released, since it may have been taken back meanwhile. */
export interface Permit {
  readonly _tag: "Permit"
  readonly alive: () => boolean
}

/** A no: the number for the client, and the reason for the log. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly error: GpgError
  readonly reason: string
}

export const refusal = (error: GpgError, reason: string): Refusal => ({ _tag: "Refusal", error, reason })

export class Authority extends Context.Service<Authority, {
  /** The decision, or the way to it where somebody has to be asked. Most are made at once, on the way of a request. */
  readonly permit: (use: Use) => Permit | Refusal | Effect.Effect<Permit | Refusal>
  /** What holds for an operation as such, without a key and without asking anybody. */
  readonly verdict: (app: string | undefined, operation: Operation) => Held
  /** Whether `loopback` is forbidden to an app with every key, so that the option itself is refused. */
  readonly forbidsLoopback: (app: string | undefined) => Held | undefined
  /** From now on everything is refused: the gate stops. */
  readonly close: () => void
}>()("gripgate/proxy/Authority") {}
