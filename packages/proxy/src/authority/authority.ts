// The one door: a use in, a permit or a refusal out. Grants, limits and questions to the owner lie behind this interface.
import type { Identity } from "@gripgate/policy/client/identify"
import type { Held } from "@gripgate/policy/decide"
import type { GpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Digest, Said } from "../approve/question.ts"
import type { AcceptedToken } from "../grant/accepted.ts"
import type { Intent } from "../journal/intent.ts"
import type { Recorded } from "../ledger/recorded.ts"
import type { Facts } from "../listen/facts.ts"

/** What a client wants to happen. */
export interface Use {
  readonly app: string | undefined
  readonly facts: Facts
  readonly identity: Identity
  /** The command, for people. */
  readonly command: string
  /** Each of them needs a verdict, as has what it amounts to with the keys; the strictest holds. */
  readonly operations: ReadonlyArray<Operation>
  /** The keys that are used. */
  readonly keygrips: ReadonlyArray<Keygrip>
  /** What a signature is made of, where the gate knows. */
  readonly digest?: () => Digest | "unseen" | undefined
  /** Words that the owner is to see. */
  readonly said?: Said
  /** The owner has to say yes also where the policy allows it, to this very use and no other. */
  readonly confirm?: true
  /** Part of a use that was permitted: its limits have counted it. */
  readonly counted?: true
  /** The tokens that were presented in this session. */
  readonly tokens?: PresentedTokens
  /** The client can be asked for a token in band. */
  readonly canPresent?: true
  /** It is a grant that is asked for: what it would be for, and a sentence about it. The use itself has no operations. */
  readonly wanted?: { readonly operations: ReadonlyArray<Operation>; readonly note: string }
  /** Part of a use that was permitted: the grants of these tokens have counted it. */
  readonly within?: ReadonlyArray<AcceptedToken>
  /** Calls back when the client does not wait any more; what comes back stops that. */
  readonly whenLost: (listener: () => void) => () => void
}

/** What a session has presented. */
export interface PresentedTokens {
  /** Those that hold, or did when they were presented. */
  readonly accepted: () => ReadonlyArray<AcceptedToken>
  /** Why what was presented last does not hold; `undefined` where everything did, or nothing was. */
  readonly rejected: () => string | undefined
}

/** How passphrases get to the agent for what a token permitted. */
export interface TokenUse {
  /** The tokens, each of which has counted it. */
  readonly by: ReadonlyArray<AcceptedToken>
  /** Whether the client's own answers to the agent's questions for a passphrase are passed on. */
  readonly inBand: boolean
  /** The token that opens the passphrase of a key; `undefined` where none does. */
  readonly sealed: (keygrip: Keygrip) => AcceptedToken | undefined
}

/**
 * A yes. It is looked at again before something is sent and before an answer is released, since it may have been taken back
 * meanwhile.
 */
export interface Permit {
  readonly _tag: "Permit"
  readonly alive: () => boolean
  /** What the client is told when it was taken back; `Forbidden` where absent. */
  readonly takenBack?: GpgError
  /** Ids of the grants that satisfied it. */
  readonly by?: ReadonlyArray<string>
  /** How its passphrase gets to the agent, where it rests on a token. */
  readonly token?: TokenUse
  /** What has to be written down before an answer is released; absent where nothing has. */
  readonly intent?: Intent
  /** The same for a use of a grant that has a number of them. */
  readonly recorded?: Recorded
}

/** A no: the number for the client, and the reason for the log. */
export interface Refusal {
  readonly _tag: "Refusal"
  readonly error: GpgError
  readonly reason: string
  /** Not yet: the client `canPresent` a token, and is asked for one. Nothing was told to the journal. */
  readonly wantsToken?: true
}

export const refusal = (error: GpgError, reason: string): Refusal => ({ _tag: "Refusal", error, reason })

export class Authority extends Context.Service<Authority, {
  /** The decision, or the way to it where somebody has to be asked. Most are made at once, on the way of a request. */
  readonly permit: (use: Use) => Permit | Refusal | Effect.Effect<Permit | Refusal>
  /** What holds for an operation, without asking anybody; without a key for the operation as such. */
  readonly verdict: (app: string | undefined, operation: Operation, keygrip?: Keygrip) => Held
  /** Whether `loopback` is forbidden to an app with every key, so that the option itself is refused. */
  readonly forbidsLoopback: (app: string | undefined) => Held | undefined
  /** From now on everything is refused: the gate stops. */
  readonly close: () => void
}>()("gripgate/proxy/Authority") {}
