// Whatever puts a question to the owner: a question in, an answer out. Interrupted, it withdraws the question.
import type * as Effect from "effect/Effect"
import type { Asked, Question } from "./question.ts"

export interface Approver {
  /** As the policy names it. */
  readonly name: string
  /**
   * Never fails: what cannot be done is `unavailable`. `shown` is called when the owner can see the question, which is when
   * his time begins, and again after `hidden`: something else had its place.
   */
  readonly ask: (question: Question, shown: () => void, hidden: () => void) => Effect.Effect<Asked>
}
