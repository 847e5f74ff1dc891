// Users and groups as a policy names them: a name or a number. Who has a name is not known here.
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node } from "./tree.ts"

/** Largest number of a user or group: 4294967295 is -1, which stands for none (Linux chown(2)). */
export const MAX_ID = 4_294_967_294

/** Reads a `user` or `group`, and gives numbers in decimal; `example` is a whole line that would be right. */
export const readAccount = (
  node: Node,
  what: "user" | "group",
  example: string,
  problems: Array<Problem>
): string | undefined => {
  const { place } = node
  if (node.kind === "integer") {
    if (node.value >= 0 && node.value <= MAX_ID) return String(node.value)
    problems.push(noNumber(node, what, node.text))
  } else if (node.kind !== "string") {
    problems.push({ place, message: `expected a string or a whole number, got ${kindOf(node)}`, hint: example })
  } else if (node.value === "") {
    problems.push({ place, message: `expected a ${what}, got an empty string`, hint: example })
  } else if (/[*?]/.test(node.value)) {
    const hint = `${what}s go by name or by number, and a list may have several`
    problems.push({ place, message: `a ${what} cannot be a pattern: ${quote(node.value)}`, hint })
  } else if (!/^[-+]?\d+$/.test(node.value)) {
    return node.value
  } else if (/^(?:0|[1-9]\d{0,9})$/.test(node.value) && Number(node.value) <= MAX_ID) {
    return node.value
  } else {
    problems.push(noNumber(node, what, node.value))
  }
  return undefined
}

const noNumber = ({ place }: Node, what: string, got: string): Problem => ({
  place,
  message: `the number of a ${what} is 0 to ${MAX_ID}, got ${quote(got)}`
})
