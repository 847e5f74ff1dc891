// What a person will see of a command: the client's own words where the policy allows the app `prompt`, else the gate's.
import { describeIdentity } from "@gripgate/policy/client/describe"
import type { Command } from "@gripgate/protocol/grammar/command"
import type { Use } from "../../authority/authority.ts"
import type { SessionContext } from "../context.ts"
import { announcement, canPrompt, usesKeydesc } from "./announce.ts"
import { marked } from "./mark.ts"
import { keydescLine, type Subject } from "./text.ts"

/** A command as it is sent, and what goes before it. */
export interface Prompt {
  readonly command: Command
  /** The line that gives the text of the agent's next prompt. */
  readonly keydesc: Buffer | undefined
  /** A question of the gate's own, where the agent's prompt takes no text. */
  readonly announce: Buffer | undefined
}

/** The prompt of a command, which the policy has allowed. */
export const promptFor = (session: SessionContext, command: Command, use: Use): Prompt => {
  if (!canPrompt(command)) return { command, keydesc: undefined, announce: undefined }
  const { services, state } = session
  const takesText = usesKeydesc(command)
  if (services.authority.verdict(use.app, "prompt").verdict === "allow") {
    return { command, keydesc: takesText ? state.keydesc : undefined, announce: undefined }
  }
  const subject = subjectOf(session, use)
  return {
    command: marked(command, subject),
    keydesc: takesText ? keydescLine(subject) : undefined,
    // in loopback mode there is no prompt: the client itself is asked
    announce: state.loopback ? undefined : announcement(command, subject)
  }
}

const subjectOf = (session: SessionContext, { app, command, keygrips, operations }: Use): Subject => {
  const { facts, identity, services } = session
  const how = services.recogniser.describe(facts)
  return {
    app,
    // first how sure it is: what comes behind may be long, and is cut
    how: identity.kind === "app" ? `${describeIdentity(identity)}: ${how}` : how,
    operations,
    command,
    keys: keygrips.map((keygrip) => services.keys.info(keygrip))
  }
}
