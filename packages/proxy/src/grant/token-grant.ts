// A grant that a token opens: an app, keys, operations, until when, how often. Whoever presents the token may, without a
// question; the store has what proves it, and passphrases that only the token opens, and neither is worth anything alone.
import type { Rate } from "@gripgate/policy/rate"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { By } from "../approve/question.ts"
import type { Proof, Seal } from "./seal.ts"

/** What is granted. */
export interface TokenTerms {
  readonly app: string
  /** What the policy said of the app when this was granted, see definition.ts. */
  readonly definition: string
  /** At least one; whatever needs no key is granted with any. */
  readonly keygrips: ReadonlyArray<Keygrip>
  readonly operations: ReadonlySet<Operation>
  /** How many uses there are in all; absent for any number. A renewal changes it. */
  maxUses?: number
  /** How often at most. */
  readonly rate?: Rate
  readonly by: By
}

/** One token of a grant: what proves it, and what it opens. */
export interface TokenPart {
  readonly proof: Proof
  /** Passphrases by key; a key without one is used as the agent has it. */
  readonly seals: ReadonlyMap<Keygrip, Seal>
}

/** A grant as it is kept. Times in milliseconds of the clock. */
export interface TokenGrant extends TokenTerms {
  readonly id: string
  readonly madeAt: number
  /** Absent for one that is good until it is revoked. */
  expiresAt?: number
  token: TokenPart
  /** The token before the last rotation, and how long it holds: by the clock of the wall, and by one that nobody sets. */
  previous?: TokenPart & { readonly until: number; readonly deadline: number }
  /** When the passphrase of a key was seen to be another than the sealed one. */
  readonly stale: Map<Keygrip, number>
  revokedAt?: number
  /** Revoked, but not on disk yet: after a restart it would be in force again. */
  unwritten?: true
  /** Counted on disk where `maxUses` is there; else since the start of the gate. */
  uses: number
  lastUsedAt?: number
}
