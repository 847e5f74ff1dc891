// Several grants at once: each is written to its end, and whoever waits is told in a sentence of those that could not be.
import * as Effect from "effect/Effect"
import type { LedgerError } from "../ledger/ledger-error.ts"

/** A grant that was taken back, and of which that could not be written. */
export interface Unrevoked {
  readonly id: string
  readonly error: LedgerError
}

/** All at once, and each to its end, whoever waits: what is written and what is in force are never two things. */
export const each = <A, B, E>(all: ReadonlyArray<A>, one: (each: A) => Effect.Effect<B, E>) =>
  Effect.uninterruptible(Effect.partition(all, one, { concurrency: "unbounded" }))

/** Names in a sentence, as many as anybody reads. */
const listed = (ids: ReadonlyArray<string>): string =>
  ids.length > MAX_NAMED ? `${ids.slice(0, MAX_NAMED).join(", ")} and ${ids.length - MAX_NAMED} more` : ids.join(", ")

const MAX_NAMED = 8

/** Why not all that was granted is in force. */
export const notGiven = (failed: ReadonlyArray<LedgerError>, made: ReadonlyArray<string>): string => {
  const holds = made.length === 0
    ? "the answer holds for this once only"
    : `a part of the answer is in force as ${listed(made)}, and the rest holds for this once only`
  const later = failed.some(({ unsure }) => unsure) ? ", or again after a restart" : ""
  return `${holds}${later}, since it cannot be written down: ${failed[0]?.message}`
}

/** What it means that not all could be taken back for good. */
export const notRevoked = (failed: ReadonlyArray<Unrevoked>): string => {
  const later = failed.some(({ error }) => error.unsure) ? "maybe in force again" : "in force again"
  const told = `out of force now, and ${later} after a restart, since it cannot be written down`
  return `${listed(failed.map(({ id }) => id))}: ${told}: ${failed[0]?.error.message}`
}
