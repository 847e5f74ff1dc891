// Whether the ledger of grants is the one that the journal knows of: an old copy of it is a whole chain, and its head may be put back
// with it. Where the owner has moved it aside it begins anew, and from then on nothing of the time before fits any more.
import * as Effect from "effect/Effect"
import { headPath } from "../ledger/head.ts"
import { LedgerError } from "../ledger/ledger-error.ts"

/** What the journal knows of the ledger. */
export interface KnownOfGrants {
  /** The ledger had this many records when the journal last heard of it. */
  readonly atLeast: () => number
  /** How it began, where it began anew. */
  readonly began: () => string | undefined
  /** It has so many records, more than were known. */
  readonly found: (count: number) => Effect.Effect<void>
  /** It begins anew, in a way of its own: what was known of it counts no more. Durable when this is done; fails with a sentence. */
  readonly anew: Effect.Effect<void, string>
}

/** The ledger as it was found. */
export interface FoundGrants {
  readonly file: string
  readonly count: number
  /** How it says that it began. */
  readonly began: string | undefined
  /** Writes how it begins, as its first record. */
  readonly begin: (began: string) => Effect.Effect<unknown, LedgerError>
}

/** Fails where it is another ledger or an older one. One that has no records begins anew, which grants nothing. */
export const assertNewest = Effect.fnUntraced(function*(
  known: KnownOfGrants,
  { began, begin, count, file }: FoundGrants
): Effect.fn.Return<void, LedgerError> {
  const both = `${file} and ${headPath(file)}`
  if (count === 0) {
    if (known.atLeast() > 0) {
      yield* Effect.mapError(
        known.anew,
        (why) =>
          new LedgerError({ message: `${file} cannot begin anew: ${why}`, hint: "see to the disk, then start again" })
      )
    }
    // the journal says it first: where the gate is killed in between, this is made up for
    const now = known.began()
    if (now === undefined) return
    yield* begin(now)
    return yield* known.found(1)
  }
  const hint = `put back the newest copy of ${both}, or move both aside, and grant anew`
  if (known.began() !== undefined && known.began() !== began) {
    const message = `${file} began at another time than the journal knows of: an old copy of one of them was put back`
    return yield* new LedgerError({ message, hint })
  }
  if (count < known.atLeast()) {
    const message =
      `${file} has ${count} records, and the journal knows of ${known.atLeast()}: an old copy was put back`
    return yield* new LedgerError({ message, hint })
  }
  // a crash came before the journal heard of them, or the journal is the older one: a copy without them is to be found from now on
  if (count > known.atLeast()) yield* known.found(count)
})
