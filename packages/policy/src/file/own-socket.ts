// `socket`, `socket-mode` and `socket-group` of an app: who may connect is part of who that app is.
import * as Result from "effect/Result"
import type { OwnSocket } from "../policy.ts"
import { readAccount } from "./account.ts"
import { type Problem, quote, type Wrong } from "./problem.ts"
import { socketProblem } from "./socket.ts"
import type { Node, Setting, Table } from "./tree.ts"
import { readParsed } from "./value.ts"

/** The settings that are read here. */
export const socketWords = ["socket", "socket-mode", "socket-group"] as const

/** Permission bits of a socket for which the file gives none. */
export const DEFAULT_MODE = 0o600

// Linux asks for the right to write of whoever connects (unix(7)).
const GROUP_CONNECTS = 0o020

/** Reads the socket that an app owns. Its place is that of the value of `socket`. */
export const readOwnSocket = ({ settings }: Table, problems: Array<Problem>): OwnSocket | undefined => {
  const socket = settings.get("socket")
  const mode = settings.get("socket-mode")
  const group = settings.get("socket-group")
  const name = socket && readParsed(socket.node, problems, "socket = \"NAME\"", parseSocket)
  const access = readAccess(settings, problems)
  if (socket === undefined) {
    problems.push(...[mode, group].filter((setting) => setting !== undefined).map(withoutSocket))
    return undefined
  }
  return name === undefined ? undefined : { name, place: socket.node.place, ...access }
}

/** Reads `socket-mode` and `socket-group`. */
export const readAccess = (
  settings: Table["settings"],
  problems: Array<Problem>
): { readonly mode: number; readonly group?: string } => {
  const mode = settings.get("socket-mode")
  const group = settings.get("socket-group")
  const bits = mode === undefined ? DEFAULT_MODE : readMode(mode.node, problems)
  const owner = group && readAccount(group.node, "group", "socket-group = \"mail\"", problems)
  if (group !== undefined && bits !== undefined && (bits & GROUP_CONNECTS) === 0) {
    const message = mode === undefined
      ? "without socket-mode the group cannot connect"
      : `with socket-mode = "${octal(bits)}" the group cannot connect`
    problems.push({ place: group.place, message, hint: `socket-mode = "${octal(bits | 0o060)}"` })
  }
  return { mode: bits ?? DEFAULT_MODE, ...(owner === undefined ? {} : { group: owner }) }
}

/** Reads the name of a socket; see `socketProblem`. */
export const parseSocket = (name: string): Result.Result<string, Wrong> => {
  const wrong = socketProblem(name)
  return wrong === undefined ? Result.succeed(name) : Result.fail(wrong)
}

const withoutSocket = ({ key, place }: Setting): Problem => ({
  place,
  message: `${key} means nothing without a socket`,
  hint: "give the app one of its own: socket = \"NAME\""
})

const readMode = (node: Node, problems: Array<Problem>): number | undefined => {
  if (node.kind === "integer") {
    const digits = /^(?:0o)?([0-7]{3})$/.exec(node.text)?.[1] ?? "660"
    const message = `expected a string of octal digits, got the number ${quote(node.text)}`
    problems.push({ place: node.place, message, hint: `socket-mode = "0${digits}"` })
    return undefined
  }
  return readParsed(node, problems, "socket-mode = \"0660\"", parseMode)
}

const parseMode = (text: string): Result.Result<number, Wrong> => {
  const hint = "\"0600\" is the owner alone, \"0660\" also the group, \"0666\" everybody"
  if (!/^[0-7]{3,}$/.test(text)) return Result.fail({ message: `expected octal digits, got ${quote(text)}`, hint })
  const bits = Number.parseInt(text, 8)
  if (bits > 0o777) return Result.fail({ message: `a socket has no permission bits beyond 0777: ${quote(text)}`, hint })
  if ((bits & DEFAULT_MODE) === DEFAULT_MODE) return Result.succeed(bits)
  return Result.fail({ message: `the owner of a socket must be able to use it: ${quote(text)} lacks 0600`, hint })
}

const octal = (bits: number): string => bits.toString(8).padStart(4, "0")
