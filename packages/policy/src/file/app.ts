// One table of a client: [apps.NAME] or [anyone]. What two apps must not share is checked by the reader of the whole
// file.
import { type App, headerOf } from "../policy.ts"
import { readKeys } from "./keys.ts"
import { readOperations, readString } from "./operations.ts"
import { type Problem, quote } from "./problem.ts"
import { socketProblem } from "./socket.ts"
import { kindOf, type Setting, type Table } from "./tree.ts"

/** What an app may be called: the name stands in paths, log lines and environment variables. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/

/** Reads `[apps.NAME]`. What comes back is usable only if no problem was added. */
export const readApp = (setting: Setting, problems: Array<Problem>): App | undefined => {
  const { key: name, node, place } = setting
  if (node.kind !== "table") {
    const hint = "an app is a table of its own: [apps.NAME]"
    problems.push({ place: node.place, message: `expected a table, got ${kindOf(node)}`, hint })
    return undefined
  }
  if (name === "anyone") {
    problems.push({
      place,
      message: "an app cannot be called anyone",
      hint: "whoever is no app has the table [anyone]"
    })
  } else if (!NAME.test(name)) {
    const hint = "a name begins with a-z or 0-9, goes on with a-z, 0-9, _ and -, and has at most 63 characters"
    problems.push({ place, message: `${quote(name)} is no name for an app`, hint })
  }
  const header = NAME.test(name) ? headerOf(name) : `[apps.${quote(name)}]`
  const { keys, socket } = settingsOf(node)
  if (keys === undefined) {
    const hint = "keys = [\"*\"] stands for every key, keys = [] for none"
    problems.push({ place, message: `${header} does not say which keys exist for it`, hint })
  }
  if (socket === undefined) {
    const hint = "give it one of its own: socket = \"NAME\""
    problems.push({ place, message: `nobody can be this app: ${header} has no socket`, hint })
  }
  const path = socket === undefined ? undefined : readSocket(socket, problems)
  return {
    name,
    place,
    ...(path === undefined ? {} : { socket: path }),
    keys: keys === undefined ? new Set() : readKeys(keys.node, problems),
    ...(keys === undefined ? {} : { keysPlace: keys.place }),
    operations: readOperations(node, header, ["socket", "keys"], problems)
  }
}

/** Reads `[anyone]`; without `keys` it sees what `default` says. */
export const readAnyone = (setting: Setting, byDefault: "all" | "none", problems: Array<Problem>): App | undefined => {
  const { node, place } = setting
  if (node.kind !== "table") {
    const hint = "whoever is no app has the table [anyone]"
    problems.push({ place: node.place, message: `expected a table, got ${kindOf(node)}`, hint })
    return undefined
  }
  const { keys, socket } = settingsOf(node)
  if (socket !== undefined) {
    const hint = "only an app has one: anyone is whoever comes through a socket that no app owns"
    problems.push({ place: socket.place, message: "[anyone] cannot own a socket", hint })
  }
  return {
    name: "anyone",
    place,
    ...(keys === undefined
      ? { keys: byDefault === "all" ? "all" : new Set() }
      : { keys: readKeys(keys.node, problems), keysPlace: keys.place }),
    operations: readOperations(node, "[anyone]", ["keys", ...(socket === undefined ? [] : ["socket"])], problems)
  }
}

const settingsOf = (table: Table) => ({ keys: table.settings.get("keys"), socket: table.settings.get("socket") })

const readSocket = ({ node }: Setting, problems: Array<Problem>): string | undefined => {
  const name = readString(node, problems, "socket = \"NAME\"")
  if (name === undefined) return undefined
  const wrong = socketProblem(name)
  if (wrong === undefined) return name
  problems.push({ place: node.place, ...wrong })
  return undefined
}
