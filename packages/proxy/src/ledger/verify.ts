// Looks whether a ledger is whole, with all its files, without writing: also beside a gate that has it open. A line that is
// not finished is then one that is just being written, and a head that is behind will be written in a moment.
import * as Effect from "effect/Effect"
import type { KeyObject } from "node:crypto"
import { join } from "node:path"
import { examine } from "./examine.ts"
import { openFiles } from "./files.ts"
import { readHead } from "./head.ts"
import { type LedgerError, ledgerError } from "./ledger-error.ts"
import type { Line } from "./record.ts"
import type { Damage } from "./scan.ts"

/** What became of a ledger: how many records it has and the number of the last line, or the first thing that is wrong. */
export type Verdict =
  | { readonly _tag: "Whole"; readonly count: number; readonly n: number }
  | { readonly _tag: "Damaged" } & Damage

/** Checks every record of a ledger, and its head. Fails where a file cannot be read, or was written by a newer gripgate. */
export const verifyLedger = (
  { folder, key, name }: { readonly folder: string; readonly name: string; readonly key: KeyObject }
): Effect.Effect<Verdict, LedgerError> => {
  const file = join(folder, name)
  return Effect.tryPromise({
    try: async (): Promise<Verdict> => {
      const slots = await readHead(key, name, file)
      await using files = await openFiles(file)
      let count = 0
      const visit = ({ begin }: Line) => {
        if (begin === undefined) count++
      }
      const { damage, position } = await examine({ file, key, name, slots, ...files }, visit)
      if (damage !== undefined) return { _tag: "Damaged", ...damage }
      return { _tag: "Whole", count, n: position.n }
    },
    catch: ledgerError(`${file} cannot be read`, "it belongs to the gate's user")
  })
}
