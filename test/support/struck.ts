// What tests have in common that kill a gate at every operation on its state directory.
import { assert } from "@effect/vitest"
import { readChainKey } from "@gripgate/proxy/ledger/chain-key"
import { verifyLedger } from "@gripgate/proxy/ledger/verify"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** Whether an operation is struck; nothing is told between a write and what makes it durable, and before that one it is struck too. */
export const isStruck = (variant: "before" | "after" | "half", operation: string): boolean =>
  variant === "before" || (variant === "half") === (operation === "write")

/** What stands in the ledger of grants of one of them. */
export const recordsOf = (state: string, id: string, op: string): number =>
  readFileSync(join(state, "grants.jsonl"), "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line))
    .filter((record) => record.id === id && record.op === op).length

/** Both ledgers are whole. */
export const assertWhole = async (state: string, at: string): Promise<void> => {
  const key = await Effect.runPromise(readChainKey(state))
  for (const name of ["journal.jsonl", "grants.jsonl"]) {
    const { _tag, ...rest } = await Effect.runPromise(verifyLedger({ folder: state, name, key: key! }))
    assert.strictEqual(_tag, "Whole", `${at}: ${JSON.stringify(rest)}`)
  }
}

/** Runs them all, four at a time: they wait for what is slow. */
export const inParallel = async <A>(items: ReadonlyArray<A>, use: (item: A) => Promise<void>): Promise<void> => {
  const left = [...items]
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await use(item)
  }
  await Promise.all([work(), work(), work(), work()])
}
