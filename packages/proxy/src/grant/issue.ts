// What making a grant with a token needs to know, and what may be wrong with it. Who makes them is the issuer; who asks for one,
// the control socket and the app itself, only knows this.
import type { Rate } from "@gripgate/policy/rate"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { By } from "../approve/question.ts"
import type { KeyInfo } from "../keys/key-directory.ts"
import type { TokenGrant } from "./token-grant.ts"

/** What is wanted. */
export interface Wish {
  readonly app: string
  /** As in `keys` of the policy: fingerprint, key id, address, `grip:...`, or a keygrip. */
  readonly keys: ReadonlyArray<string>
  /** Absent for what the policy wants a token or a question for. */
  readonly operations?: ReadonlyArray<Operation>
  /** Whether passphrases are to be sealed. */
  readonly seal: boolean
}

/** A key of a grant, as the agent has it now. */
export interface PlannedKey {
  readonly info: KeyInfo
  readonly protection: "clear" | "protected" | "card"
  /** Whether its passphrase is to be sealed, and so is needed. */
  readonly sealed: boolean
}

/** What was wanted, looked up and found to be possible. */
export interface Plan {
  readonly app: string
  readonly definition: string
  readonly keys: ReadonlyArray<PlannedKey>
  readonly operations: ReadonlyArray<Operation>
  /** What the owner should know, in sentences. */
  readonly notes: ReadonlyArray<string>
}

/** Times in milliseconds. */
export interface Bounds {
  /** How long it is good; absent for until it is revoked. */
  readonly time?: number
  readonly maxUses?: number
  readonly rate?: Rate
}

/** Passphrases by key; whoever hands them in wipes them. */
export type Passphrases = ReadonlyMap<Keygrip, Buffer>

/** Why there is no grant; nothing was written. */
export class NotIssued extends Data.TaggedError("NotIssued")<{
  readonly message: string
  readonly hint?: string
  /** What is in the way, where an app is told. */
  readonly kind?: "key" | "forbidden" | "agent"
  /** The keys whose passphrase was not the right one, where that is all that is wrong. */
  readonly wrong?: ReadonlyArray<Keygrip>
}> {}

/** A grant and its token: bytes in memory of their own, which whoever shows them wipes. */
export interface Issued {
  readonly grant: TokenGrant
  readonly token: Buffer
}

export interface Issuer {
  /** Looks whether this can be granted, and what for: fails where the policy forbids it, a key is not the app's, or the agent hinders it. */
  readonly plan: (wish: Wish) => Effect.Effect<Plan, NotIssued>
  /** The same for another token of a grant that there is. */
  readonly planRotation: (id: string) => Effect.Effect<Plan, NotIssued>
  /**
   * Makes the grant: checks each passphrase against its key, seals it, and writes the grant down; durable when this is done. As long
   * as nothing is written it can be interrupted, wherever it runs.
   */
  readonly issue: (plan: Plan, bounds: Bounds, passphrases: Passphrases, by: By) => Effect.Effect<Issued, NotIssued>
  /** Makes another token for a grant; the old one is good for `overlap` milliseconds more. It can be interrupted as `issue` can. */
  readonly rotate: (
    id: string,
    plan: Plan,
    overlap: number,
    passphrases: Passphrases,
    by: By
  ) => Effect.Effect<Issued, NotIssued>
  /** Makes a grant good for this long from now, or until it is revoked; with `maxUses` for so many uses from now, else for as many as before. */
  readonly renew: (id: string, bounds: Pick<Bounds, "time" | "maxUses">, by: By) => Effect.Effect<TokenGrant, NotIssued>
}
