// What a person will see of a command: the client's own words where the policy allows the app `prompt`, else the gate's.
import type { Command } from "@gripgate/protocol/grammar/command"
import { howOf } from "../../authority/asking.ts"
import type { Use } from "../../authority/authority.ts"
import type { Subject } from "../../shown/subject.ts"
import type { SessionContext } from "../context.ts"
import { canPrompt, promptsNameless, usesKeydesc } from "./announce.ts"
import { marked } from "./mark.ts"
import { keydescLine } from "./text.ts"

/** A command as it is sent, and what goes before it. */
export interface Prompt {
  readonly command: Command
  /** The line that gives the text of the agent's next prompt. */
  readonly keydesc: Buffer | undefined
}

/** Whether the client's own words and its own display are for its prompts. */
const isItsOwn = ({ app, services }: SessionContext): boolean =>
  services.authority.verdict(app, "prompt").verdict === "allow"

/** The prompt of a command, which the policy has allowed. */
export const promptFor = (session: SessionContext, command: Command, use: Use): Prompt => {
  if (!canPrompt(command)) return { command, keydesc: undefined }
  const takesText = usesKeydesc(command)
  if (isItsOwn(session)) return { command, keydesc: takesText ? session.state.keydesc : undefined }
  const subject = subjectOf(session, use)
  return { command: marked(command, subject), keydesc: takesText ? keydescLine(subject) : undefined }
}

/** Whether the gate has to put a question first, because the agent's own prompt would name nobody. */
export const needsAnnouncement = (session: SessionContext, command: Command, use: Use): boolean => {
  if (session.state.loopback || session.state.silent || !canPrompt(command)) return false
  const keys = use.keygrips.map((keygrip) => session.services.keys.info(keygrip))
  return promptsNameless(command, keys) && !isItsOwn(session)
}

/** Whether a GET_CONFIRMATION is for the owner to answer through the gate, and not for an agent that shows it somewhere else. */
export const isForOwner = (session: SessionContext, command: Command): boolean =>
  command.spec.name === "GET_CONFIRMATION" && !session.state.restricted && !session.state.silent && !isItsOwn(session)

const subjectOf = ({ services }: SessionContext, use: Use): Subject => ({
  app: use.app,
  how: howOf(use, services.recogniser.describe),
  operations: use.operations,
  command: use.command,
  keys: use.keygrips.map((keygrip) => services.keys.info(keygrip))
})
