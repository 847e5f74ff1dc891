// Whoever asks the owner for passphrases of his keys, out of band: what is typed goes to no client. Its border: what they are for,
// and whether they are right, is for whoever has them asked for.
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { NotIssued, Passphrases, PlannedKey } from "../grant/issue.ts"

/** Why there is no passphrase; the message is harmless to show. */
export class NotAsked extends Data.TaggedError("NotAsked")<{
  readonly why: "cancelled" | "timeout" | "unavailable"
  readonly message: string
}> {}

export interface PassphraseAsker {
  /**
   * Asks once for all keys that are to be sealed, and again for those that `check` says it was wrong for, at most three times without
   * getting further. `lines` say what for, harmless and in at most 56 columns. `check` gets slabs that are wiped for it; where no key
   * is to be sealed it gets none, and nobody is asked. Interrupted, the dialog goes away; a `check` that has begun ends first.
   */
  readonly ask: <A>(
    lines: ReadonlyArray<string>,
    keys: ReadonlyArray<PlannedKey>,
    check: (passphrases: Passphrases) => Effect.Effect<A, NotIssued>
  ) => Effect.Effect<A, NotAsked | NotIssued>
}
