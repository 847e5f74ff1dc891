// `[upstreams.NAME]`: agents besides the gate's own, by a socket or by a command that speaks with one on standard input and output.
import type { Upstream } from "../policy.ts"
import { parseAgentSocket } from "./agent-socket.ts"
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node, type Setting, type Table } from "./tree.ts"
import { readParsed, readTable, refuseOthers } from "./value.ts"

/** What an upstream may be called. */
export const UPSTREAM_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** What `[upstreams.NAME]` can hold. */
export const upstreamWords = ["socket", "command", "default"] as const

/** Most words of a command, and bytes of each. */
export const MAX_WORDS = 64
const MAX_WORD = 4096

const SOCKET = "socket = \"/run/agent/S.gpg-agent\""
const COMMAND = "command = [\"ssh\", \"host\", \"gripgate\", \"connect\", \"APP\"]"

/** Reads `[upstreams]`, in the order of the file. What comes back is usable only if no problem was added. */
export const readUpstreams = (table: Table | undefined, problems: Array<Problem>): ReadonlyArray<Upstream> => {
  const found: Array<Upstream> = []
  for (const setting of table?.settings.values() ?? []) {
    const upstream = readUpstream(setting, problems)
    if (upstream === undefined) continue
    const first = found.find(({ isDefault }) => isDefault)
    if (upstream.isDefault && first !== undefined) {
      const message = `${quote(first.name)} (line ${first.place.line}) is the default already`
      problems.push({ place: upstream.place, message, hint: "one agent answers for what names no key" })
    }
    found.push(upstream)
  }
  return found
}

const readUpstream = (setting: Setting, problems: Array<Problem>): Upstream | undefined => {
  const { key: name, node, place } = setting
  const table = readTable(node, problems, "an upstream is a table of its own: [upstreams.NAME]")
  if (table === undefined) return undefined
  if (!UPSTREAM_NAME.test(name)) {
    const hint = "a name begins with a-z or 0-9, goes on with a-z, 0-9, _ and -, and has at most 63 characters"
    problems.push({ place, message: `${quote(name)} is no name for an upstream`, hint })
  }
  const header = `[upstreams.${UPSTREAM_NAME.test(name) ? name : quote(name)}]`
  refuseOthers(table, header, upstreamWords, problems)
  const socket = table.settings.get("socket")
  const command = table.settings.get("command")
  if (socket === undefined && command === undefined) {
    problems.push({ place, message: `${header} says neither socket nor command`, hint: SOCKET })
  }
  if (socket !== undefined && command !== undefined) {
    problems.push({ place: command.place, message: `${header} has a socket already`, hint: "leave one of the two out" })
  }
  const byDefault = table.settings.get("default")
  return {
    name,
    place,
    socket: socket && readParsed(socket.node, problems, SOCKET, parseAgentSocket),
    command: command && readCommand(command.node, problems),
    isDefault: byDefault !== undefined && readBoolean(byDefault.node, problems)
  }
}

const readBoolean = (node: Node, problems: Array<Problem>): boolean => {
  if (node.kind === "boolean") return node.value
  problems.push({ place: node.place, message: `expected true or false, got ${kindOf(node)}`, hint: "default = true" })
  return false
}

const readCommand = (node: Node, problems: Array<Problem>): ReadonlyArray<string> => {
  if (node.kind !== "array") {
    const message = `expected an array of strings, got ${kindOf(node)}`
    problems.push({ place: node.place, message, hint: `no shell reads it: ${COMMAND}` })
    return []
  }
  if (node.elements.length === 0 || node.elements.length > MAX_WORDS) {
    const message = `a command has 1 to ${MAX_WORDS} words, this one has ${node.elements.length}`
    problems.push({ place: node.place, message, hint: COMMAND })
  }
  return node.elements.flatMap((element, index) => {
    if (element.kind !== "string") {
      problems.push({ place: element.place, message: `expected a string, got ${kindOf(element)}`, hint: COMMAND })
      return []
    }
    const { value } = element
    const wrong = index === 0 && value === ""
      ? "the first word of a command names a program"
      : value.includes("\0") || !value.isWellFormed() || Buffer.byteLength(value) > MAX_WORD
      ? `a word of a command has at most ${MAX_WORD} bytes of UTF-8 and no NUL`
      : undefined
    if (wrong !== undefined) problems.push({ place: element.place, message: wrong })
    return [value]
  })
}
