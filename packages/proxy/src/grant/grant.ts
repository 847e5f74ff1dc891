// A grant: what the owner said beyond one use. It is good for one holder, one key and the operations that were asked for, and
// for nothing else; a use that needs more is asked for again.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { Holder } from "../approve/asker.ts"
import type { By } from "../approve/question.ts"

/** What is granted. */
export interface Terms {
  readonly holder: Holder
  /** What the policy said of the app when this was granted, see definition.ts: another app of the same name is not meant. */
  readonly definition?: string
  /** `undefined` for what is done without a key. */
  readonly keygrip: Keygrip | undefined
  readonly operations: ReadonlySet<Operation>
  /** `never`: it is refused, and nobody is asked. */
  readonly answer: "yes" | "never"
  readonly by: By
}

/** A grant as it is kept. Times in milliseconds of the clock. */
export interface Grant extends Terms {
  readonly id: string
  readonly madeAt: number
  /** Absent for one that is good until it is revoked, and only that one is on disk. */
  readonly expiresAt?: number
  revokedAt?: number
  /** Revoked, but not on disk yet: after a restart it would be in force again. */
  unwritten?: true
  /** Since the start of the gate. */
  uses: number
  lastUsedAt?: number
}
