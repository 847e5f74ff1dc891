// `[gate]`: where the agent is, the sockets that no app owns, and who may answer for the owner of the keys.
import { type App, type GateTable, otherFates, type OtherSockets, type Owners, sshFates } from "../policy.ts"
import { readAccount } from "./account.ts"
import { parseAgentSocket } from "./agent-socket.ts"
import { DEFAULT_MODE, parseSocket, readAccess } from "./own-socket.ts"
import { parsePath } from "./path.ts"
import { type Problem, quote } from "./problem.ts"
import { kindOf, type Node, type Setting, type Table } from "./tree.ts"
import { notOneOf, readParsed, readString, refuseOthers } from "./value.ts"

/** What `[gate]` can hold. */
export const gateWords = [
  "upstream",
  "homedir",
  "sockets",
  "socket-mode",
  "socket-group",
  "owners",
  "control-group",
  "extra-socket",
  "browser-socket",
  "ssh-socket"
] as const

/** Reads `[gate]`; `ofApps` are the apps by the sockets that they own. */
export const readGate = (
  table: Table | undefined,
  ofApps: ReadonlyMap<string, App>,
  problems: Array<Problem>
): GateTable => {
  if (table === undefined) return { access: { mode: DEFAULT_MODE } }
  refuseOthers(table, "[gate]", gateWords, problems)
  const upstream = table.settings.get("upstream")
  const homedir = table.settings.get("homedir")
  const sockets = table.settings.get("sockets")
  const agent = upstream
    && readParsed(upstream.node, problems, "upstream = \"/run/agent/S.gpg-agent\"", parseAgentSocket)
  const owners = table.settings.get("owners")
  const group = table.settings.get("control-group")
  if (group !== undefined && owners === undefined) {
    const hint = "name those who may answer: owners = [\"alice\"]"
    problems.push({ place: group.place, message: "control-group lets in nobody without owners", hint })
  }
  const controlGroup = group && readAccount(group.node, "group", "control-group = \"keys\"", problems)
  const others = readOthers(table, problems)
  const home = homedir && readParsed(homedir.node, problems, "homedir = \"/home/alice/.gnupg\"", parsePath)
  return {
    ...(agent === undefined ? {} : { upstream: agent }),
    ...(home === undefined ? {} : { homedir: home }),
    ...(sockets === undefined ? {} : { sockets: readSockets(sockets.node, ofApps, problems) }),
    ...(owners === undefined ? {} : { owners: readOwners(owners, problems) }),
    ...(controlGroup === undefined ? {} : { controlGroup }),
    ...(Object.keys(others).length === 0 ? {} : { others }),
    access: readAccess(table.settings, problems)
  }
}

/** What the file says of the agent's other sockets. */
const readOthers = ({ settings }: Table, problems: Array<Problem>): Partial<OtherSockets> => {
  const read = <Fate extends string>(name: string, fates: ReadonlyArray<Fate>): Fate | undefined => {
    const node = settings.get(name)?.node
    const text = node && readString(node, problems, `${name} = "close"`)
    const fate = fates.find((one) => one === text)
    if (node !== undefined && text !== undefined && fate === undefined) problems.push(notOneOf(node, text, fates))
    return fate
  }
  const extra = read("extra-socket", otherFates)
  const browser = read("browser-socket", otherFates)
  const ssh = read("ssh-socket", sshFates)
  return { ...extra && { extra }, ...browser && { browser }, ...ssh && { ssh } }
}

const readOwners = ({ node, place }: Setting, problems: Array<Problem>): Owners => {
  if (node.kind !== "array") {
    const hint = node.kind === "string" ? `owners = [${quote(node.value)}]` : OWNERS
    problems.push({ place: node.place, message: `expected an array of users, got ${kindOf(node)}`, hint })
    return { names: [], place }
  }
  const names = node.elements.map((element) => readAccount(element, "user", OWNERS, problems))
  if (names.length === 0) problems.push({ place: node.place, message: "owners names nobody", hint: OWNERS })
  return { names: names.filter((name) => name !== undefined), place }
}

const OWNERS = "owners = [\"alice\"]"

const readSockets = (
  node: Node,
  ofApps: ReadonlyMap<string, App>,
  problems: Array<Problem>
): ReadonlyArray<string> => {
  if (node.kind !== "array") {
    const hint = node.kind === "string" ? `sockets = [${quote(node.value)}]` : "sockets = [\"S.gpg-agent\"]"
    problems.push({ place: node.place, message: `expected an array of strings, got ${kindOf(node)}`, hint })
    return []
  }
  const found = new Set<string>()
  for (const element of node.elements) {
    const { place } = element
    const name = readParsed(element, problems, "sockets = [\"S.gpg-agent\"]", parseSocket)
    if (name === undefined) continue
    const owner = ofApps.get(name)
    if (found.has(name)) problems.push({ place, message: `the socket ${quote(name)} is listed twice` })
    else if (owner !== undefined) problems.push(owned(element, name, owner))
    found.add(name)
  }
  return [...found]
}

const owned = ({ place }: Node, name: string, owner: App): Problem => ({
  place,
  message: `the socket ${quote(name)} is owned by ${quote(owner.name)} (line ${owner.place?.line})`,
  hint: "whoever comes through the socket of an app is that app"
})
