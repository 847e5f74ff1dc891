// Reads the shape of a script: what may stand where, strictly. A name that nobody knows is a mistake, as a misspelt answer that
// is passed over would make a test pass for the wrong reason.
import type { Located, LocatedJson, ScriptError } from "./located-json.ts"

/** A part of a script and the way to it: `answers[1].pin`. */
export interface Part {
  readonly node: Located
  readonly path: string
  readonly json: LocatedJson
}

/** The Error about a part. */
export const wrong = ({ json, node, path }: Part, what: string): ScriptError =>
  json.mistake(node.at, path === "" ? what : `${path}: ${what}`)

export const rootOf = (json: LocatedJson): Part => ({ node: json.root, path: "", json })

/** The fields of an object, of which all must be among `known`; `what` is said where it is no object. */
export const fieldsOf = (part: Part, known: ReadonlyArray<string>, what: string): ReadonlyMap<string, Part> => {
  const { json, node, path } = part
  if (node.kind !== "object") throw wrong(part, `expected ${what}`)
  const fields = new Map<string, Part>()
  for (const [name, { at, value }] of node.fields) {
    if (!known.includes(name)) {
      throw json.mistake(at, `${path === "" ? "" : `${path}: `}unknown name "${name}", expected ${known.join(", ")}`)
    }
    fields.set(name, { node: value, path: path === "" ? name : `${path}.${name}`, json })
  }
  return fields
}

/** All fields of an object, whatever they are called. */
export const entriesOf = (part: Part, what: string): ReadonlyMap<string, Part> =>
  fieldsOf(part, part.node.kind === "object" ? [...part.node.fields.keys()] : [], what)

export const itemsOf = (part: Part, what: string): ReadonlyArray<Part> => {
  const { json, node, path } = part
  if (node.kind !== "list") throw wrong(part, `expected ${what}`)
  return node.items.map((item, index) => ({ node: item, path: `${path}[${index}]`, json }))
}

export const textOf = (part: Part): string => {
  if (part.node.kind !== "scalar" || typeof part.node.value !== "string") throw wrong(part, "expected a text in quotes")
  return part.node.value
}

export const booleanOf = (part: Part): boolean => {
  if (part.node.kind !== "scalar" || typeof part.node.value !== "boolean") throw wrong(part, "expected true or false")
  return part.node.value
}

/** A whole number from 0 to `max`. */
export const countOf = (part: Part, max: number): number => {
  const value = part.node.kind === "scalar" ? part.node.value : undefined
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw wrong(part, `expected a whole number from 0 to ${max}`)
  }
  return value
}

/** A word of a list. */
export const wordOf = <Word extends string>(part: Part, words: ReadonlyArray<Word>): Word | undefined =>
  part.node.kind === "scalar"
    ? words.find((word) => word === (part.node as { readonly value: unknown }).value)
    : undefined
