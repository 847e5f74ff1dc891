// `keys = [...]`: the keys that exist for an app. Only "*" and keygrips are keys already; which ones the other selectors
// stand for, somebody with a keyring has to say.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Result from "effect/Result"
import type { Selector } from "../keys/selector.ts"
import type { App, Keys } from "../policy.ts"
import { type Problem, quote } from "./problem.ts"
import { meaningOf, parseSelector, SELECTOR_FORMS } from "./selector.ts"
import { kindOf, type Node } from "./tree.ts"

/** The selectors of a `keys` setting and the keys known by them; what could not be read is left out, and is a problem. */
export const readKeys = (node: Node, problems: Array<Problem>): Pick<App, "selectors" | "keys"> => {
  if (node.kind !== "array") {
    const hint = node.kind === "string" ? `keys = [${quote(node.value)}]` : "keys = [\"*\"] stands for every key"
    problems.push({ place: node.place, message: `expected an array of strings, got ${kindOf(node)}`, hint })
    return { selectors: [], keys: new Set() }
  }
  const found = new Map<string, Selector>()
  for (const element of node.elements) {
    const { place } = element
    if (element.kind !== "string") {
      problems.push({ place, message: `expected a string, got ${kindOf(element)}`, hint: SELECTOR_FORMS })
      continue
    }
    const text = element.value
    const wanted = parseSelector(text)
    if (Result.isFailure(wanted)) {
      problems.push({ place, ...wanted.failure })
      continue
    }
    const meaning = meaningOf(wanted.success)
    const before = found.get(meaning)
    if (before !== undefined) {
      const as = before.text === text ? "twice" : `already, as ${quote(before.text)}`
      problems.push({ place, message: `${quote(text)} is listed ${as}` })
      continue
    }
    // A list that names keys and then takes all of them reads narrower than it is.
    if (text === "*" && node.elements.length > 1) {
      problems.push({ place, message: "\"*\" stands for every key: list it alone" })
    }
    found.set(meaning, { text, place, wanted: wanted.success })
  }
  const selectors = [...found.values()]
  return { selectors, keys: keysOf(selectors) }
}

const keysOf = (selectors: ReadonlyArray<Selector>): Keys => {
  const grips = new Set<Keygrip>()
  for (const { wanted } of selectors) {
    if (wanted.kind === "all") return "all"
    if (wanted.kind === "grip") grips.add(wanted.keygrip)
  }
  return grips
}
