// What readers of settings share: a value that must be a string, one of a few words, or a text with a grammar of its
// own; and the problem of a word that a table does not know.
import * as Result from "effect/Result"
import { parseDuration } from "../duration.ts"
import { allOf, oneOf, type Problem, quote, type Wrong } from "./problem.ts"
import { didYouMean } from "./suggest.ts"
import { kindOf, type Node, type Setting, type Table } from "./tree.ts"

/** A value that must be a string; `example` is a whole line that would be right. */
export const readString = (node: Node, problems: Array<Problem>, example: string): string | undefined => {
  if (node.kind === "string") return node.value
  problems.push({ place: node.place, message: `expected a string, got ${kindOf(node)}`, hint: example })
  return undefined
}

/** A value that must be a string that `parse` can read; `example` is a whole line that would be right. */
export const readParsed = <A>(
  node: Node,
  problems: Array<Problem>,
  example: string,
  parse: (text: string) => Result.Result<A, Wrong>
): A | undefined => {
  const text = readString(node, problems, example)
  if (text === undefined) return undefined
  const parsed = parse(text)
  if (Result.isSuccess(parsed)) return parsed.success
  problems.push({ place: node.place, ...parsed.failure })
  return undefined
}

/** A value that must be a duration, in milliseconds; `name` is the setting. */
export const readDuration = (name: string, node: Node, problems: Array<Problem>): number | undefined =>
  readParsed(node, problems, `${name} = "30s"`, parseDuration)

/** A value that must be a table; `example` is how it could be written. */
export const readTable = (node: Node, problems: Array<Problem>, example: string): Table | undefined => {
  if (node.kind === "table") return node
  problems.push({ place: node.place, message: `expected a table, got ${kindOf(node)}`, hint: example })
  return undefined
}

/** The problem of a string that is none of a few words. */
export const notOneOf = (node: Node, got: string, words: ReadonlyArray<string>): Problem => {
  const message = `expected ${oneOf(words.map((word) => `"${word}"`))}, got ${quote(got)}`
  const hint = didYouMean(got, words)
  return hint === undefined ? { place: node.place, message } : { place: node.place, message, hint }
}

/** A problem for every setting of a table that is none of `words`; `header` is how the table is spelled. */
export const refuseOthers = (
  table: Table,
  header: string,
  words: ReadonlyArray<string>,
  problems: Array<Problem>
): void => {
  for (const setting of table.settings.values()) {
    if (words.includes(setting.key)) continue
    problems.push(unknown(setting, header, words, `known here are ${allOf(words)}`))
  }
}

/** The problem of a setting that a table does not know. `known` is the hint where no word is near. */
export const unknown = (
  { key, place }: Setting,
  header: string,
  words: ReadonlyArray<string>,
  known: string
): Problem => ({
  place,
  message: `${quote(key)} in ${header} is not known to this version of gripgate`,
  hint: didYouMean(key, words) ?? known
})
