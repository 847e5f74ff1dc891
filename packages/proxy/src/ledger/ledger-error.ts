// What a ledger says where it cannot be used.
import * as Data from "effect/Data"
import { reasonOf } from "../reason.ts"

/** A ledger cannot be opened, or a record cannot be written. */
export class LedgerError extends Data.TaggedError("LedgerError")<{
  readonly message: string
  readonly hint: string
  /** The record may be there all the same when the ledger is opened again: what was begun could not be taken back. */
  readonly unsure?: true
}> {}

/** An error of the system as one of a ledger; one that is already is left as it is. */
export const ledgerError = (what: string, hint: string) => (error: unknown): LedgerError =>
  error instanceof LedgerError ? error : new LedgerError({ message: `${what}: ${reasonOf(error)}`, hint })

/** A version that this program does not know. */
export const newerError = (where: string, known: number, got: number): LedgerError =>
  new LedgerError({
    message: `${where}: expected version ${known}, got ${got}: a newer gripgate wrote this`,
    hint: "run that one, or give this one a state directory of its own"
  })
