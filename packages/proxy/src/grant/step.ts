// The steps in a grant's life, as they are told to the journal.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type * as Effect from "effect/Effect"
import type { By } from "../approve/question.ts"

/** What happened to a grant. */
export type Step = "granted" | "revoked" | "renewed" | "rotated" | "stale" | "returned"

/** The grant that it happened to. */
export interface StepAbout {
  readonly id: string
  /** `null` for a program of a session that is no app. */
  readonly app: string | null
  readonly keys: ReadonlyArray<Keygrip>
  readonly operations: ReadonlyArray<Operation>
}

/**
 * Told of each step when it has been written, with the number of its record in the ledger of grants, absent for a grant that is
 * in memory only. Done when that is durable; where it cannot be, the log has said so.
 */
export type TellStep = (step: Step, about: StepAbout, by: By, at?: number) => Effect.Effect<void>
