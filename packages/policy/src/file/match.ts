// `match = { ... }`: the facts that a client must show to be an app. Whether it shows them is decided elsewhere.
import { type Condition, type FactName, factNames, type Match } from "../client/match.ts"
import { readAccount } from "./account.ts"
import { allOf, type Problem, quote } from "./problem.ts"
import { didYouMean } from "./suggest.ts"
import { kindOf, type Node, type Setting } from "./tree.ts"
import { readTable } from "./value.ts"

/** Facts that are paths of the file system. */
export const pathFacts: ReadonlySet<FactName> = new Set(["exe", "program", "parent", "cwd"])

const example: Record<FactName, string> = {
  user: "user = \"mailpile\"",
  group: "group = \"mail\"",
  label: "label = \"mailpile (enforce)\"",
  unit: "unit = \"mailpile.service\"",
  "user-unit": "user-unit = \"mailpile.service\"",
  cgroup: "cgroup = \"/system.slice/**\"",
  container: "container = \"podman:*\"",
  flatpak: "flatpak = \"org.mozilla.Thunderbird\"",
  snap: "snap = \"thunderbird\"",
  exe: "exe = \"/usr/bin/gpg\"",
  program: "program = \"/usr/bin/git\"",
  parent: "parent = \"/usr/bin/git\"",
  cmdline: "cmdline = \"git commit *\"",
  cwd: "cwd = \"/home/alice/src/**\"",
  via: "via = \"ssh\"",
  remote: "remote = \"192.0.2.7\"",
  qube: "qube = \"work\""
}

const EXAMPLE = `match = { ${example.exe} }`

/** Reads the `match` of the app with this header. */
export const readMatch = (setting: Setting, header: string, problems: Array<Problem>): Match | undefined => {
  const { node, place } = setting
  const table = readTable(node, problems, EXAMPLE)
  if (table === undefined) return undefined
  if (table.settings.size === 0) {
    const message = `the match of ${header} has no condition, and would take everybody`
    problems.push({ place: node.place, message, hint: EXAMPLE })
  }
  const conditions: Array<Condition> = []
  for (const one of table.settings.values()) {
    const fact = factNames.find((name) => name === one.key)
    if (fact === undefined) {
      const hint = didYouMean(one.key, factNames) ?? `facts are ${allOf(factNames)}`
      problems.push({ place: one.place, message: `${quote(one.key)} is no fact of a client`, hint })
    } else {
      conditions.push({ fact, values: readValues(fact, one.node, problems), place: one.place })
    }
  }
  return { conditions, place }
}

const readValues = (fact: FactName, node: Node, problems: Array<Problem>): ReadonlyArray<string> => {
  if (node.kind === "array" && node.elements.length === 0) {
    const message = `expected at least one value for ${fact}, got an empty array`
    problems.push({ place: node.place, message, hint: example[fact] })
  }
  const found: Array<string> = []
  for (const one of node.kind === "array" ? node.elements : [node]) {
    const value = fact === "user" || fact === "group"
      ? readAccount(one, fact, example[fact], problems)
      : readText(fact, one, problems)
    if (value !== undefined) found.push(value)
  }
  return found
}

const readText = (fact: FactName, node: Node, problems: Array<Problem>): string | undefined => {
  const { place } = node
  if (node.kind !== "string") {
    problems.push({ place, message: `expected a string, got ${kindOf(node)}`, hint: example[fact] })
    return undefined
  }
  const { value } = node
  if (value === "") {
    problems.push({ place, message: `expected a value for ${fact}, got an empty string`, hint: example[fact] })
    return undefined
  }
  if (pathFacts.has(fact) && !/^[/*]/.test(value)) {
    const tail = value.replace(/^(?:\.{0,2}|~)\//, "")
    const hint = `a path begins with "/" or with "*": ${fact} = ${quote(`**/${tail}`)} is ${quote(tail)} in any folder`
    problems.push({ place, message: `${quote(value)} is not an absolute path, so no ${fact} is ever that`, hint })
    return undefined
  }
  return value
}
