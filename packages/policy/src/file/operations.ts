// The operations of a table, and what else a table turns out to hold: whatever no reader claims is a problem, so that a
// setting this version does not know is never silently without effect.
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import type { Entries, Entry } from "../policy.ts"
import { readEntry } from "./entry.ts"
import type { Problem } from "./problem.ts"
import type { Setting, Table } from "./tree.ts"
import { unknown } from "./value.ts"

/**
 * The operations that a table names; `header` is how the table is spelled, `others` are the settings it may hold
 * besides.
 */
export const readOperations = (
  table: Table,
  header: string,
  others: ReadonlyArray<string>,
  problems: Array<Problem>
): Entries => {
  const found = new Map<Operation, Entry>()
  for (const setting of table.settings.values()) {
    if (isOperation(setting.key)) {
      const entry = readEntry(setting, header, problems)
      if (entry !== undefined) found.set(setting.key, entry)
    } else if (!others.includes(setting.key)) {
      problems.push(foreign(setting, header, others))
    }
  }
  return found
}

const foreign = (setting: Setting, header: string, others: ReadonlyArray<string>): Problem => {
  if (setting.key === "default") {
    const hint = "it is for the whole file: write it before the first [table]"
    return { place: setting.place, message: `default does not belong in ${header}`, hint }
  }
  return unknown(setting, header, [...others, ...operations], knownHere(others))
}

const knownHere = (others: ReadonlyArray<string>): string =>
  others.length === 0
    ? `known here are the operations: ${operations.join(", ")}`
    : `known here are ${others.join(", ")} and the operations: ${operations.join(", ")}`
