// One table of a client: [apps.NAME] or [anyone]. What two apps must not share is checked by the reader of the whole
// file.
import { type App, headerOf } from "../policy.ts"
import { APP_NAME } from "./app-name.ts"
import { readKeys } from "./keys.ts"
import { readMatch } from "./match.ts"
import { readOperations } from "./operations.ts"
import { readOwnSocket, socketWords } from "./own-socket.ts"
import { type Problem, quote, type Wrong } from "./problem.ts"
import type { Setting } from "./tree.ts"
import { readTable } from "./value.ts"
import { readWith } from "./with.ts"

/** What `[apps.NAME]` can hold besides operations. */
export const appWords = ["match", ...socketWords, "keys", "with"] as const

/** What `[anyone]` can hold besides operations. */
export const anyoneWords = ["keys"] as const

/** Reads `[apps.NAME]`. What comes back is usable only if no problem was added. */
export const readApp = (setting: Setting, problems: Array<Problem>): App | undefined => {
  const { key: name, place } = setting
  const table = readTable(setting.node, problems, "an app is a table of its own: [apps.NAME]")
  if (table === undefined) return undefined
  if (name === "anyone") {
    const hint = "whoever is no app has the table [anyone]"
    problems.push({ place, message: "an app cannot be called anyone", hint })
  } else if (!APP_NAME.test(name)) {
    const hint = "a name begins with a-z or 0-9, goes on with a-z, 0-9, _ and -, and has at most 63 characters"
    problems.push({ place, message: `${quote(name)} is no name for an app`, hint })
  }
  const spelled = APP_NAME.test(name) ? name : quote(name)
  const header = headerOf(spelled)
  const keys = table.settings.get("keys")
  const match = table.settings.get("match")
  if (keys === undefined) {
    const hint = "keys = [\"*\"] stands for every key, keys = [] for none"
    problems.push({ place, message: `${header} does not say which keys exist for it`, hint })
  }
  if (match === undefined && !table.settings.has("socket")) {
    const hint = "say what it is known by, match = { exe = \"/usr/bin/git\" }, or give it a socket = \"NAME\""
    problems.push({ place, message: `nobody can be this app: ${header} has no match and no socket`, hint })
  }
  const conditions = match && readMatch(match, header, problems)
  const socket = readOwnSocket(table, problems)
  return {
    name,
    place,
    ...(conditions === undefined ? {} : { match: conditions }),
    ...(socket === undefined ? {} : { socket }),
    ...(keys === undefined ? { selectors: [], keys: new Set() } : readKeys(keys.node, problems)),
    ...(keys === undefined ? {} : { keysPlace: keys.place }),
    operations: readOperations(table, header, appWords, problems),
    ...readWith(table.settings.get("with"), spelled, problems)
  }
}

/** Reads `[anyone]`; without `keys` it sees what `default` says. */
export const readAnyone = (setting: Setting, byDefault: "all" | "none", problems: Array<Problem>): App | undefined => {
  const { node, place } = setting
  const table = readTable(node, problems, "whoever is no app has the table [anyone]")
  if (table === undefined) return undefined
  const refused = appWords.filter((word) => word !== "keys" && table.settings.has(word))
  for (const word of refused) {
    problems.push({ place: table.settings.get(word)?.place ?? place, ...ofAppsOnly(word) })
  }
  const keys = table.settings.get("keys")
  return {
    name: "anyone",
    place,
    ...(keys === undefined
      ? { selectors: [], keys: byDefault === "all" ? "all" : new Set() }
      : { ...readKeys(keys.node, problems), keysPlace: keys.place }),
    operations: readOperations(table, "[anyone]", [...anyoneWords, ...refused], problems),
    with: [],
    byKey: new Map()
  }
}

const ofAppsOnly = (word: typeof appWords[number]): Wrong => {
  switch (word) {
    case "match":
      return { message: "[anyone] cannot have a match", hint: "anyone is whoever is none of the apps" }
    case "with":
      return {
        message: "[anyone] cannot have entries for single keys",
        hint: "make whoever is meant an app: [apps.NAME.with.\"SELECTOR\"]"
      }
    default:
      return {
        message: "[anyone] cannot own a socket",
        hint: "only an app has one: anyone is whoever comes through a socket that no app owns"
      }
  }
}
