// Looks whether a ledger is whole, without writing: also beside a gate that has it open. A line that is not finished is then
// one that is just being written, and a head that is behind will be written in a moment.
import * as Effect from "effect/Effect"
import type { KeyObject } from "node:crypto"
import { constants } from "node:fs"
import { join } from "node:path"
import { examine } from "./examine.ts"
import { readHead } from "./head.ts"
import { type LedgerError, ledgerError } from "./ledger-error.ts"
import { openOwn } from "./own-file.ts"
import type { Damage } from "./scan.ts"

/** What became of a ledger: all its records, or the first thing that is wrong. */
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
      const handle = await openOwn(file, constants.O_RDONLY)
      let count = 0
      try {
        const { damage, position } = await examine({ file, key, name, slots, handle }, () => void count++)
        if (damage !== undefined) return { _tag: "Damaged", ...damage }
        return { _tag: "Whole", count, n: position.n }
      } finally {
        await handle?.close()
      }
    },
    catch: ledgerError(`${file} cannot be read`, "it belongs to the gate's user")
  })
}
