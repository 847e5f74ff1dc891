// `[gate]`: where the agent is, and the sockets that no app owns.
import * as Result from "effect/Result"
import type { App, GateTable } from "../policy.ts"
import { DEFAULT_MODE, parseSocket, readAccess } from "./own-socket.ts"
import { type Problem, quote, type Wrong } from "./problem.ts"
import { MAX_SOCKET_PATH } from "./socket.ts"
import { kindOf, type Node, type Table } from "./tree.ts"
import { readParsed, refuseOthers } from "./value.ts"

/** What `[gate]` can hold. */
export const gateWords = ["upstream", "homedir", "sockets", "socket-mode", "socket-group"] as const

/** Reads `[gate]`; `owners` are the apps by the sockets that they own. */
export const readGate = (
  table: Table | undefined,
  owners: ReadonlyMap<string, App>,
  problems: Array<Problem>
): GateTable => {
  if (table === undefined) return { access: { mode: DEFAULT_MODE } }
  refuseOthers(table, "[gate]", gateWords, problems)
  const upstream = table.settings.get("upstream")
  const homedir = table.settings.get("homedir")
  const sockets = table.settings.get("sockets")
  const agent = upstream && readParsed(upstream.node, problems, "upstream = \"/run/agent/S.gpg-agent\"", parseUpstream)
  const home = homedir && readParsed(homedir.node, problems, "homedir = \"/home/alice/.gnupg\"", parsePath)
  return {
    ...(agent === undefined ? {} : { upstream: agent }),
    ...(home === undefined ? {} : { homedir: home }),
    ...(sockets === undefined ? {} : { sockets: readSockets(sockets.node, owners, problems) }),
    access: readAccess(table.settings, problems)
  }
}

const parsePath = (path: string): Result.Result<string, Wrong> => {
  // U+FFFD is what is left of bytes that were no UTF-8.
  if (/[\p{Cc}\uFFFD]/u.test(path) || !path.isWellFormed()) {
    return Result.fail({ message: `control characters and invalid UTF-8 have no place in a path: ${quote(path)}` })
  }
  if (path.startsWith("/")) return Result.succeed(path)
  const hint = path.startsWith("~")
    ? "nothing stands for a home directory here: write it out, from \"/\" on"
    : "an absolute path begins with \"/\""
  return Result.fail({
    message: `expected an absolute path, got ${path === "" ? "an empty string" : quote(path)}`,
    hint
  })
}

const parseUpstream = (path: string): Result.Result<string, Wrong> => {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_SOCKET_PATH) return parsePath(path)
  return Result.fail({ message: `a socket's path has at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}` })
}

const readSockets = (
  node: Node,
  owners: ReadonlyMap<string, App>,
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
    const owner = owners.get(name)
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
