// The lines OPERATION = "VERDICT" of a table, and what else a table turns out to hold: whatever no reader claims is
// a problem, so that a setting this version does not know is never silently without effect.
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import type { Entry } from "../policy.ts"
import { isVerdict, verdicts } from "../verdict.ts"
import { oneOf, type Problem, quote } from "./problem.ts"
import { didYouMean } from "./suggest.ts"
import { kindOf, type Node, type Setting, type Table } from "./tree.ts"

/**
 * The operations that a table names; `header` is how the table is spelled, `others` are the settings it may hold
 * besides.
 */
export const readOperations = (
  table: Table,
  header: string,
  others: ReadonlyArray<string>,
  problems: Array<Problem>
): ReadonlyMap<Operation, Entry> => {
  const found = new Map<Operation, Entry>()
  for (const setting of table.settings.values()) {
    if (isOperation(setting.key)) {
      const entry = readEntry(setting, header, problems)
      if (entry !== undefined) found.set(setting.key, entry)
    } else if (!others.includes(setting.key)) {
      problems.push(unknown(setting, header, others))
    }
  }
  return found
}

const readEntry = ({ key, node, place }: Setting, header: string, problems: Array<Problem>): Entry | undefined => {
  if (node.kind === "table") {
    problems.push({
      place: node.place,
      message: `settings besides the verdict of ${key} are not known to this version of gripgate`,
      hint: `give the verdict alone: ${key} = ${verdictIn(node)}`
    })
    return undefined
  }
  const verdict = readString(node, problems, `${key} = "ask"`)
  if (verdict === undefined) return undefined
  if (isVerdict(verdict)) return { verdict, place, text: `${header} ${key} = "${verdict}"` }
  problems.push(notOneOf(node, verdict, verdicts))
  return undefined
}

const verdictIn = (table: Table): string => {
  const node = table.settings.get("verdict")?.node
  return node?.kind === "string" && isVerdict(node.value) ? `"${node.value}"` : "\"ask\""
}

/** A value that must be a string; `example` is a whole line that would be right. */
export const readString = (node: Node, problems: Array<Problem>, example: string): string | undefined => {
  if (node.kind === "string") return node.value
  problems.push({ place: node.place, message: `expected a string, got ${kindOf(node)}`, hint: example })
  return undefined
}

/** The problem of a string that is none of a few words. */
export const notOneOf = (node: Node, got: string, words: ReadonlyArray<string>): Problem => {
  const message = `expected ${oneOf(words.map((word) => `"${word}"`))}, got ${quote(got)}`
  const hint = didYouMean(got, words)
  return hint === undefined ? { place: node.place, message } : { place: node.place, message, hint }
}

const unknown = ({ key, place }: Setting, header: string, others: ReadonlyArray<string>): Problem => {
  if (key === "default") {
    const hint = "it is for the whole file: write it before the first [table]"
    return { place, message: `default does not belong in ${header}`, hint }
  }
  const message = `${quote(key)} in ${header} is not known to this version of gripgate`
  return { place, message, hint: didYouMean(key, [...others, ...operations]) ?? knownHere(others) }
}

const knownHere = (others: ReadonlyArray<string>): string =>
  others.length === 0
    ? `known here are the operations: ${operations.join(", ")}`
    : `known here are ${others.join(", ")} and the operations: ${operations.join(", ")}`
