// `[limits]`: how many, and how long, at most.
import { countLimits, type LimitName, timeLimits } from "../policy.ts"
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node, type Table } from "./tree.ts"
import { readDuration, refuseOthers } from "./value.ts"

/** Largest count that a limit can be. */
export const MAX_COUNT_LIMIT = 1_000_000

/** What `[limits]` can hold. */
export const limitWords: ReadonlyArray<LimitName> = [...countLimits, ...timeLimits]

/** Reads `[limits]`; times come out in milliseconds. */
export const readLimits = (table: Table | undefined, problems: Array<Problem>): ReadonlyMap<LimitName, number> => {
  const found = new Map<LimitName, number>()
  if (table === undefined) return found
  refuseOthers(table, "[limits]", limitWords, problems)
  const put = (name: LimitName, read: (node: Node) => number | undefined) => {
    const setting = table.settings.get(name)
    const value = setting && read(setting.node)
    if (value !== undefined) found.set(name, value)
  }
  for (const name of countLimits) put(name, (node) => readCount(name, node, problems))
  for (const name of timeLimits) put(name, (node) => readDuration(name, node, problems))
  return found
}

const readCount = (name: string, node: Node, problems: Array<Problem>): number | undefined => {
  const { place } = node
  const example = `${name} = 100`
  if (node.kind !== "integer") {
    // A number in quotes is the usual slip.
    const digits = node.kind === "string" ? /^[1-9]\d{0,6}$/.exec(node.value)?.[0] : undefined
    const hint = digits === undefined ? example : `${name} = ${digits}`
    problems.push({ place, message: `expected a whole number, got ${kindOf(node)}`, hint })
  } else if (node.value < 1 || node.value > MAX_COUNT_LIMIT) {
    problems.push({ place, message: `${name} is 1 to ${MAX_COUNT_LIMIT}, got ${quote(node.text)}`, hint: example })
  } else {
    return node.value
  }
  return undefined
}
