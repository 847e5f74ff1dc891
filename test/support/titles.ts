// The titles of the tests in a file, as it is written: read from its syntax tree, without running it.
import { type ESTree, parseSync, Visitor } from "rolldown/utils"

/** What stands in a title for a part that is known only when the test runs. */
const OPEN = "..."

const callers: ReadonlySet<string> = new Set(["describe", "it", "test"])

/** Words of the tables from which tests are made: `{ name: "a title", ... }`. */
const properties: ReadonlySet<string> = new Set(["item", "name"])

/** The text of a string or a template, with `...` for each expression in it; `undefined` for anything else. */
const textOf = (node: ESTree.Node | undefined): string | undefined => {
  if (node?.type === "Literal") return typeof node.value === "string" ? node.value : undefined
  if (node?.type !== "TemplateLiteral") return undefined
  return node.quasis.map(({ value }) => value.cooked ?? value.raw).join(OPEN)
}

/** `it`, `it.live` and `it.each(rows)` are all called `it`. */
const callerOf = (node: ESTree.Node): string | undefined => {
  if (node.type === "Identifier") return node.name
  if (node.type === "MemberExpression") return callerOf(node.object)
  return node.type === "CallExpression" ? callerOf(node.callee) : undefined
}

/** Every title in the text of a test file. An error in its syntax is an error here. */
export const titlesIn = (file: string, text: string): ReadonlySet<string> => {
  const { errors, program } = parseSync(file, text)
  if (errors[0] !== undefined) throw new Error(`expected a file that parses, but ${file}: ${errors[0].message}`)
  const found = new Set<string>()
  const add = (node: ESTree.Node | undefined): void => {
    const title = textOf(node)
    if (title !== undefined) found.add(title)
  }
  new Visitor({
    CallExpression: (node) => {
      if (callers.has(callerOf(node.callee) ?? "")) add(node.arguments[0])
    },
    Property: (node) => {
      if (node.key.type === "Identifier" && properties.has(node.key.name)) add(node.value)
    }
  }).visit(program)
  return found
}
