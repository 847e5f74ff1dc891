// What each verb answers.
import * as Schema from "effect/Schema"
import { AskedQuestion, Asks, Snapshot } from "./asked.ts"
import { Grants, Made, Planned, Revoked } from "./granted.ts"
import { OwnersPlace } from "./place.ts"
import type { Verb } from "./request.ts"
import { Status } from "./status.ts"

export const results = {
  status: Status,
  asks: Asks,
  /** The question that was answered. */
  answer: AskedQuestion,
  grants: Grants,
  revoke: Revoked,
  /** Where questions appear from now on. */
  tty: OwnersPlace,
  /** One line, and another at each change. */
  watch: Snapshot,
  plan: Planned,
  /** A token follows. */
  grant: Made,
  /** A token follows. */
  rotate: Made,
  renew: Made
} as const satisfies Record<Verb, Schema.Top>

export type ResultOf<V extends Verb> = (typeof results)[V]["Type"]
