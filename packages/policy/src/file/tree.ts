// TOML text to a tree of tables and values that know their places. Headers, dotted keys and inline tables end up the
// same, so that the readers behind this see one form. Nothing here knows what a policy is, except how deep one can be.
import * as Result from "effect/Result"
import { type AST, ParseError, parseTOML } from "toml-eslint-parser"
import type { Place } from "../policy.ts"
import type { Problem } from "./problem.ts"

/**
 * A value of the file. Of numbers only integers keep their content, `text` is how they are written; booleans and dates
 * keep none: no setting of a policy is one.
 */
export type Node =
  | { readonly kind: "string"; readonly place: Place; readonly value: string }
  | { readonly kind: "array"; readonly place: Place; readonly elements: ReadonlyArray<Node> }
  | Table
  | { readonly kind: "integer"; readonly place: Place; readonly value: number; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean; readonly place: Place }
  | { readonly kind: "number" | "date" | "tables"; readonly place: Place }

/** A table, whichever way it was written. */
export interface Table {
  readonly kind: "table"
  readonly place: Place
  readonly settings: ReadonlyMap<string, Setting>
}

/** One key and its value; the place is that of the key where it first appears. */
export interface Setting {
  readonly key: string
  readonly place: Place
  readonly node: Node
}

/** What a value is, in a sentence. */
export const kindOf = (node: Node): string => kinds[node.kind]

const kinds: Record<Node["kind"], string> = {
  string: "a string",
  array: "an array",
  table: "a table",
  tables: "an array of tables",
  integer: "a number",
  number: "a number",
  boolean: "a boolean",
  date: "a date or time"
}

/** Reads TOML 1.0. The one problem that comes back is the first error of syntax, with its place. Never throws. */
export const readTree = (text: string, file: string): Result.Result<Table, Problem> => {
  // The parser takes a lone CR for the end of a comment: what an editor shows as a comment would be read as settings.
  const lone = /\r(?!\n)/.exec(text)
  if (lone !== null) {
    return Result.fail({ place: placeAt(text, lone.index, file), message: "carriage return without a line feed" })
  }
  if (text.startsWith("\uFEFF")) {
    const hint = "save the file as UTF-8 without a byte order mark"
    return Result.fail({ place: { file, line: 1, column: 1 }, message: "the file begins with a byte order mark", hint })
  }
  try {
    return assemble(parseTOML(text, { tomlVersion: "1.0" }), text, file)
  } catch (error) {
    return Result.fail(syntaxProblem(error, text, file))
  }
}

const syntaxProblem = (error: unknown, text: string, file: string): Problem => {
  if (!(error instanceof ParseError)) {
    // The parser recurses into nested values and spreads long ones into arguments, and then runs out of stack.
    const message = "not readable as TOML: a value is too long or too deeply nested"
    return { place: { file, line: 1, column: 1 }, message }
  }
  const place = { file, line: error.lineNumber, column: error.column + 1 }
  const message = `not TOML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`
  const word = error.message === "Unexpected character"
    ? bareWordAt(text, error.index)
    : error.message === "Leading zeros are not allowed"
    ? /^\d{1,20}/.exec(text.slice(error.index, error.index + 20))?.[0]
    : undefined
  return word === undefined ? { place, message } : { place, message, hint: `text stands in quotes: "${word}"` }
}

/** The word without quotes that stands at this position in the place of a value: the usual slip in TOML. */
const bareWordAt = (text: string, index: number): string | undefined => {
  const before = /[\w*:@./-]*$/.exec(text.slice(Math.max(0, index - 100), index))![0]
  const after = /^[\w*:@./-]*/.exec(text.slice(index, index + 100))![0]
  const start = index - before.length
  const lead = text.slice(Math.max(0, start - 100), start).trimEnd()
  // A bracket that opens a line is a header's, any other begins an array.
  const isValue = /[=,]$|\S[ \t]*\[$/.test(lead) && /^[A-Za-z*]/.test(before + after)
  return isValue ? before + after : undefined
}

const placeAt = (text: string, index: number, file: string): Place => {
  const before = text.slice(0, index)
  return { file, line: before.split("\n").length, column: index - before.lastIndexOf("\n") }
}

// `apps`, NAME, `with`, SELECTOR, operation, setting; what is deeper stands below a table that is refused as a whole, and
// is not looked at.
const DEEPEST = 6

interface Growing extends Table {
  readonly settings: Map<string, Setting>
}

const assemble = (program: AST.TOMLProgram, text: string, file: string): Result.Result<Table, Problem> => {
  const placeOf = (node: AST.TOMLNode): Place => ({
    file,
    line: node.loc.start.line,
    column: node.loc.start.column + 1
  })
  const table = (place: Place): Growing => ({ kind: "table", place, settings: new Map() })
  const twice: Array<Place> = []

  /** Puts a value at a path below a table, making the tables on the way; hands back what is there now. */
  const put = (top: Growing, path: AST.TOMLKey["keys"], value: (place: Place) => Node): Node | undefined => {
    let at: Growing = top
    for (const [i, part] of path.slice(0, DEEPEST).entries()) {
      const key = part.type === "TOMLBare" ? part.name : part.value
      const place = placeOf(part)
      const here = at.settings.get(key)?.node
      const node = here ?? (i === path.length - 1 ? value(place) : table(place))
      if (here === undefined) at.settings.set(key, { key, place, node })
      if (i === path.length - 1) return node
      // An array of tables is no table of any policy, and is refused where it begins.
      if (node.kind !== "table") return node
      at = node as Growing
    }
    return undefined
  }

  const fill = (top: Growing, body: ReadonlyArray<AST.TOMLKeyValue>, depth: number) => {
    for (const { key, value } of body) {
      const node = read(value, depth + key.keys.length)
      const there = put(top, key.keys, () => node)
      // The parser has refused what is defined twice. Were it ever to miss a case, nothing may be lost silently.
      if (there !== undefined && there !== node) twice.push(placeOf(key))
    }
  }

  const read = (value: AST.TOMLContentNode, depth: number): Node => {
    const place = placeOf(value)
    if (value.type === "TOMLArray") {
      const elements = depth < DEEPEST ? value.elements.map((element) => read(element, depth + 1)) : []
      return { kind: "array", place, elements }
    }
    if (value.type === "TOMLInlineTable") {
      const inline = table(place)
      if (depth < DEEPEST) fill(inline, value.body, depth)
      return inline
    }
    if (value.kind === "string") return { kind: "string", place, value: value.value }
    if (value.kind === "boolean") return { kind: "boolean", value: value.value, place }
    if (value.kind === "integer") {
      // A 0 at the very end of the file has an empty range.
      const written = text.slice(...value.range) || String(value.value)
      return { kind: "integer", place, value: value.value, text: written }
    }
    return { kind: value.kind === "float" ? "number" : "date", place }
  }

  const root = table({ file, line: 1, column: 1 })
  for (const item of program.body[0].body) {
    if (item.type === "TOMLKeyValue") {
      fill(root, [item], 0)
      continue
    }
    const { keys } = item.key
    const there = put(root, keys, item.kind === "array" ? (place) => ({ kind: "tables", place }) : table)
    if (there?.kind === "table") fill(there as Growing, item.body, keys.length)
    else if (there !== undefined && there.kind !== "tables") twice.push(placeOf(item.key))
  }
  return twice[0] === undefined
    ? Result.succeed(root)
    : Result.fail({ place: twice[0], message: "not TOML: a key is defined twice" })
}
