// `keys = [...]`: the keys that exist for an app. This version knows every key ("*") and keygrips; what names a key by
// its certificate needs gpg's public keyring, and is refused here rather than taken to match nothing.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { Keys } from "../policy.ts"
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node } from "./tree.ts"

const KNOWN =
  "this version knows \"*\" and \"grip:\" with the 40 digits that gpg --list-secret-keys --with-keygrip shows"

/** The keys of a `keys` setting; what could not be read is left out, and is a problem. */
export const readKeys = (node: Node, problems: Array<Problem>): Keys => {
  const found = new Set<Keygrip>()
  if (node.kind !== "array") {
    const hint = node.kind === "string" ? `keys = [${quote(node.value)}]` : "keys = [\"*\"] stands for every key"
    problems.push({ place: node.place, message: `expected an array of strings, got ${kindOf(node)}`, hint })
    return found
  }
  let all = false
  for (const element of node.elements) {
    const { place } = element
    if (element.kind !== "string") {
      problems.push({ place, message: `expected a string, got ${kindOf(element)}`, hint: KNOWN })
    } else if (element.value === "*") {
      if (all) problems.push({ place, message: "\"*\" is listed twice" })
      // A list that names keys and then takes all of them reads narrower than it is.
      else if (node.elements.length > 1) problems.push({ place, message: "\"*\" stands for every key: list it alone" })
      all = true
    } else {
      const grip = readGrip(element.value)
      if (typeof grip !== "string") problems.push({ place, ...grip })
      else if (found.has(grip)) problems.push({ place, message: `keygrip ${grip} is listed twice` })
      else found.add(grip)
    }
  }
  return all ? "all" : found
}

const readGrip = (selector: string): Keygrip | Omit<Problem, "place"> => {
  if (selector.startsWith("grip:")) {
    return parseKeygrip(selector.slice(5))
      ?? { message: `expected "grip:" and 40 hexadecimal digits, got ${quote(selector)}`, hint: KNOWN }
  }
  return { message: `a key by ${formOf(selector)} is not known to this version of gripgate`, hint: KNOWN }
}

const formOf = (selector: string): string => {
  if (selector.includes("@")) return `address (${quote(selector)})`
  if (/^(0x)?[0-9a-f ]{8,}!?$/i.test(selector)) return `fingerprint or key id (${quote(selector)})`
  return `the name ${quote(selector)}`
}
