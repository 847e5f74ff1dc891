// `[approve]`: how the owner is asked, in which order, and how long everybody waits for him.
import { type ApproverName, approverNames, type ApproveTable, standardApprove } from "../policy.ts"
import { parsePath } from "./path.ts"
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node, type Table } from "./tree.ts"
import { notOneOf, readDuration, readParsed, readString, refuseOthers } from "./value.ts"

/** What `[approve]` can hold. */
export const approveWords = ["approvers", "order", "timeout", "pause", "remember", "pinentry"] as const

/** What `order` can be. */
export const approveOrders = ["together", "in-turn"] as const

/** Reads `[approve]`; what it does not say is as without it. */
export const readApprove = (table: Table | undefined, problems: Array<Problem>): ApproveTable => {
  if (table === undefined) return standardApprove
  refuseOthers(table, "[approve]", approveWords, problems)
  const { settings } = table
  const time = (name: "timeout" | "pause" | "remember"): number => {
    const node = settings.get(name)?.node
    return node === undefined
      ? standardApprove[name]
      : readDuration(name, node, problems) ?? standardApprove[name]
  }
  const approvers = settings.get("approvers")
  const order = settings.get("order")
  const pinentry = settings.get("pinentry")
  const program = pinentry && readParsed(pinentry.node, problems, "pinentry = \"/usr/bin/pinentry\"", parsePath)
  return {
    approvers: approvers === undefined ? standardApprove.approvers : readApprovers(approvers.node, problems),
    inTurn: order !== undefined && readOrder(order.node, problems) === "in-turn",
    timeout: time("timeout"),
    pause: time("pause"),
    remember: time("remember"),
    ...(program === undefined ? {} : { pinentry: program })
  }
}

const EXAMPLE = "approvers = [\"pinentry\", \"terminal\"]"

const readApprovers = (node: Node, problems: Array<Problem>): ReadonlyArray<ApproverName> => {
  if (node.kind !== "array") {
    const hint = node.kind === "string" ? `approvers = [${quote(node.value)}]` : EXAMPLE
    problems.push({ place: node.place, message: `expected an array of strings, got ${kindOf(node)}`, hint })
    return []
  }
  const found = new Set<ApproverName>()
  for (const element of node.elements) {
    const word = readString(element, problems, EXAMPLE)
    if (word === undefined) continue
    const name = approverNames.find((name) => name === word)
    if (name === undefined) problems.push(notOneOf(element, word, approverNames))
    else if (found.has(name)) {
      problems.push({ place: element.place, message: `the approver ${quote(word)} is listed twice` })
    } else found.add(name)
  }
  return [...found]
}

const readOrder = (node: Node, problems: Array<Problem>): typeof approveOrders[number] | undefined => {
  const word = readString(node, problems, "order = \"in-turn\"")
  const order = approveOrders.find((order) => order === word)
  if (word !== undefined && order === undefined) problems.push(notOneOf(node, word, approveOrders))
  return order
}
