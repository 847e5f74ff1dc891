// JSON whose parts know where they stand, so that a mistake in a script can be told with line and column, of the shape as well as
// of the syntax. RFC 8259 and nothing more; a name that stands twice in an object is a mistake.

/** A mistake in a script: `FILE:line:column: what was expected`. */
export class ScriptError extends Error {
  override readonly name = "ScriptError"
}

export type Located =
  & { readonly at: number }
  & (
    | { readonly kind: "scalar"; readonly value: string | number | boolean | null }
    | { readonly kind: "list"; readonly items: ReadonlyArray<Located> }
    | {
      readonly kind: "object"
      readonly fields: ReadonlyMap<string, { readonly at: number; readonly value: Located }>
    }
  )

/** A parsed text, and how to complain of a part of it. */
export interface LocatedJson {
  readonly root: Located
  /** The Error about the place where a part begins. */
  mistake(at: number, what: string): ScriptError
}

const token = new RegExp(
  [
    /[{}[\],:]/,
    /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/u,
    /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/,
    /(?:true|false|null)(?!\w)/
  ].map(({ source }) => source).join("|"),
  "yu"
)
const blanks = /[ \t\r\n]*/y

/** Depth beyond which a script is a mistake. */
const MAX_DEPTH = 64

/** Parses a text; `name` is what the file is called in messages. Throws a `ScriptError`. */
export const parseLocated = (text: string, name: string): LocatedJson => {
  const mistake = (at: number, what: string): ScriptError => {
    const before = text.slice(0, at).split("\n")
    return new ScriptError(`${name}:${before.length}:${before.at(-1)!.length + 1}: ${what}`)
  }
  let position = 0
  const next = (expected: string): { readonly at: number; readonly text: string } => {
    blanks.lastIndex = position
    blanks.exec(text)
    const at = blanks.lastIndex
    token.lastIndex = at
    const found = token.exec(text)?.[0]
    if (found === undefined) throw mistake(at, `expected ${expected}, got ${at >= text.length ? "the end" : "no JSON"}`)
    position = at + found.length
    return { at, text: found }
  }
  /** Items between brackets, each read by `item`, which is given the first token of it. */
  const items = (
    close: string,
    what: string,
    item: (first: { readonly at: number; readonly text: string }) => void
  ) => {
    let first = next(`${what} or ${close}`)
    if (first.text === close) return
    for (;;) {
      item(first)
      const after = next(`a comma or ${close}`)
      if (after.text === close) return
      if (after.text !== ",") throw mistake(after.at, `expected a comma or ${close}`)
      first = next(what)
    }
  }
  const value = (first: { readonly at: number; readonly text: string }, depth: number): Located => {
    const { at } = first
    if (depth > MAX_DEPTH) throw mistake(at, `more than ${MAX_DEPTH} levels`)
    if (first.text === "[") {
      const list: Array<Located> = []
      items("]", "a value", (one) => void list.push(value(one, depth + 1)))
      return { at, kind: "list", items: list }
    }
    if (first.text === "{") {
      const fields = new Map<string, { readonly at: number; readonly value: Located }>()
      items("}", "a name in quotes", (one) => {
        if (!one.text.startsWith("\"")) throw mistake(one.at, "expected a name in quotes")
        const field: string = JSON.parse(one.text)
        if (fields.has(field)) throw mistake(one.at, `"${field}" stands here twice`)
        const colon = next("a colon")
        if (colon.text !== ":") throw mistake(colon.at, "expected a colon")
        fields.set(field, { at: one.at, value: value(next("a value"), depth + 1) })
      })
      return { at, kind: "object", fields }
    }
    if (/^[}\],:]/.test(first.text)) throw mistake(at, `expected a value, got ${first.text}`)
    return { at, kind: "scalar", value: JSON.parse(first.text) }
  }
  const root = value(next("a value"), 0)
  if (/[^ \t\r\n]/.test(text.slice(position))) throw mistake(position, "expected nothing more behind the value")
  return { root, mistake }
}
