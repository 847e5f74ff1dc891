// What the gate answers without the agent: options, RESET, and what is known of the agent already. `undefined` sends a
// command on its way to the agent.
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Command } from "@gripgate/protocol/grammar/command"
import { errLine, OK_LINE, okLine } from "@gripgate/protocol/reply"
import { writeOption } from "@gripgate/protocol/request"
import { commands } from "@gripgate/protocol/table/index"
import type { OptionNameSpec } from "@gripgate/protocol/table/option"
import * as Effect from "effect/Effect"
import { pinentryVariables } from "../owner/place.ts"
import type { NoAgent } from "../upstream/agent.ts"
import type { SessionContext } from "./context.ts"

const CLOSING = okLine("closing connection")
const FALSE = errLine(gpgError.FALSE)
const HELP = Buffer.concat([
  ...commands.filter((spec) => spec.fate !== "never").map((spec) => Buffer.from(`# ${spec.name}\n`)),
  OK_LINE
])

/** Answers a command whose fate is `gate`. */
export const answerSession = (session: SessionContext, command: Command): Buffer => {
  switch (command.spec.name) {
    case "RESET":
      session.state.reset()
      return OK_LINE
    case "BYE":
      return CLOSING
    case "HELP":
      return command.args.length === 0 ? HELP : errLine(gpgError.NOT_FOUND)
    default:
      return OK_LINE
  }
}

/**
 * A token for the gate stands at the beginning of pinentry-user-data, up to a blank. It stays here; what follows is the client's
 * own value.
 */
const takeToken = ({ tokens }: SessionContext, value: Buffer): Buffer => {
  if (!value.subarray(0, TOKEN.length).equals(TOKEN)) return value
  const blank = value.indexOf(0x20)
  tokens.setEnvironment(value.subarray(TOKEN.length, blank < 0 ? value.length : blank))
  return blank < 0 ? value.subarray(value.length) : value.subarray(blank + 1)
}

const TOKEN = Buffer.from("gripgate:")
const VARIABLE = Buffer.from("PINENTRY_USER_DATA=")

/** The client's value of pinentry-user-data, by that option or as a variable; `undefined` for any other. */
const userData = (option: OptionNameSpec, value: Buffer): Buffer | undefined => {
  if (option.name === "pinentry-user-data") return value
  const isOne = option.name === "putenv" && value.subarray(0, VARIABLE.length).equals(VARIABLE)
  return isOne ? value.subarray(VARIABLE.length) : undefined
}

/** Takes the token out of an option; the agent too would say OK, and do nothing. */
const takeAway = (session: SessionContext, option: OptionNameSpec, value: Buffer): Buffer => {
  const data = userData(option, value)
  if (data !== undefined) takeToken(session, data)
  return OK_LINE
}

/** The key under which an option is kept: a variable of the environment has one each. */
const optionKey = (option: OptionNameSpec, value: Buffer): string =>
  option.name === "putenv" ? `putenv ${variableOf(value)}` : option.name

const variableOf = (value: Buffer): string => value.toString("latin1").split("=", 1)[0]!

/**
 * Keeps an option for the session and answers it; `undefined` where the agent has to judge it: loopback, which it may
 * not allow, what restricts the connection, and everything once it is restricted.
 */
export const answerOption = (session: SessionContext, option: OptionNameSpec, value: Buffer): Buffer | undefined => {
  const { state } = session
  // what may carry a token never goes on as it is; a connection that is restricted takes nothing for prompts in any case
  if (state.restricted) return option.fate === "environment" ? takeAway(session, option, value) : undefined
  switch (option.fate) {
    case "environment": {
      // kept in any case: the policy may allow it later, and what it allows now is looked up when a command is sent
      const kept = option.name === "pinentry-user-data" ? takeToken(session, value) : value
      // no other variable gets to a pinentry, and names without end would fill the memory
      if (option.name === "putenv" && !pinentryVariables.has(variableOf(value))) return OK_LINE
      const data = option.name === "putenv" ? userData(option, value) : undefined
      if (data !== undefined && takeToken(session, data) !== data) return OK_LINE
      if (kept.length > 0 || value.length === 0) {
        state.environment.set(optionKey(option, kept), writeOption(option.name, kept))
      }
      return OK_LINE
    }
    case "mode":
      if (value.equals(LOOPBACK)) return undefined
      state.loopback = false
      state.loopbackRefused = false
      state.silent = value.equals(CANCEL) || value.equals(ERROR)
      state.options.set(option.name, writeOption(option.name, value))
      return OK_LINE
    case "session":
      if (option.name === "allow-pinentry-notify") state.notify = true
      state.options.set(option.name, writeOption(option.name, value))
      return OK_LINE
    case "agent":
      return undefined
  }
}

const CANCEL = Buffer.from("cancel")
const ERROR = Buffer.from("error")

export const LOOPBACK: Buffer = Buffer.from("loopback")

const versionReply = (version: string): Buffer => Buffer.from(`D ${version}\nOK\n`)

/** Answers a GETINFO from what is known; `undefined` for what only the agent knows. */
export const answerGetinfo = (
  session: SessionContext,
  command: Command
): Buffer | Effect.Effect<Buffer, NoAgent> | undefined => {
  const { connection } = session
  const { hasOption, router } = session.services
  if (session.state.restricted || connection?.restricted === true) return undefined
  switch (command.args[0]) {
    case "version": {
      // of several agents none may have been asked yet
      const known = connection?.closed === false && connection.version !== ""
        ? connection.version
        : router.readyVersion()
      return known === undefined ? Effect.map(router.version, versionReply) : versionReply(known)
    }
    case "restricted":
      return connection === undefined ? undefined : FALSE
    case "cmd_has_option": {
      const version = connection?.version
      const known = version === undefined ? undefined : hasOption.get(hasOptionKey(version, command))
      return known === undefined ? undefined : known ? OK_LINE : FALSE
    }
    default:
      return undefined
  }
}

/** The question of a `GETINFO cmd_has_option`, for an agent of one version. */
export const hasOptionKey = (version: string, command: Command): string =>
  `${version} ${command.args.slice(1).join(" ")}`
