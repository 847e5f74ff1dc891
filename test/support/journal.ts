// What stands in the journal of a gate, as anybody reads it who knows the form of a line.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export interface Entry {
  readonly n: number
  readonly op: string
  readonly use?: string
  readonly app?: string | null
  readonly operations?: ReadonlyArray<string>
  readonly keys?: ReadonlyArray<string>
  readonly [field: string]: unknown
}

/** The whole lines of all files in a state directory. */
export const journalIn = (state: string): ReadonlyArray<Entry> =>
  readdirSync(state).filter((name) => /^journal(?:\.\d+)?\.jsonl$/.test(name)).toSorted().flatMap((name) =>
    readFileSync(join(state, name), "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line) as Entry)
  )

/** Uses with these operations, each with what came of it; `undefined` for what nobody knows. */
export const usesIn = (state: string, operation: string): ReadonlyArray<readonly [use: Entry, result: unknown]> => {
  const all = journalIn(state)
  return all.filter(({ op, operations }) => op === "allowed" && operations?.includes(operation) === true).map((use) => [
    use,
    all.find(({ op, use: of }) => op === "outcome" && of === use.use)?.["result"]
  ])
}
