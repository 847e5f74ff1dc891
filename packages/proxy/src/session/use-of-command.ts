// What a command wants to happen, as the authority judges it and as the owner is shown it.
import type { Command } from "@gripgate/protocol/grammar/command"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { Use } from "../authority/authority.ts"
import type { SessionContext } from "./context.ts"
import { digestOf } from "./digest.ts"
import { keygripsOf, operationsOf } from "./needs.ts"
import { isForOwner, needsAnnouncement } from "./prompt/prompt.ts"
import { wordsOf } from "./prompt/text.ts"
import { useOf } from "./use.ts"

/** Commands that make a signature of what was given before; to a card it is given in a way that the gate does not read. */
const signs: ReadonlySet<string> = new Set(["PKSIGN", "SCD PKSIGN", "SCD PKAUTH"])

/** What a command amounts to, and what the owner is to see of it. */
export const useFor = (session: SessionContext, command: Command): Use => {
  const { state } = session
  const keygrips = keygripsOf(session, command)
  const name = command.inner === undefined ? command.spec.name : `SCD ${command.inner.spec.name}`
  const operations = isInVain(session, command) ? [] : withSign(session, command, keygrips)
  const use = useOf(session, name, operations, keygrips)
  if (isForOwner(session, command)) {
    return { ...use, said: { by: "client", text: wordsOf(command.args[0]) }, confirm: true }
  }
  const announced = signs.has(name)
    ? { ...use, digest: () => name === "PKSIGN" ? digestOf(state.hash) : "unseen" as const }
    : use
  return needsAnnouncement(session, command, use) ? { ...announced, confirm: true } : announced
}

/** Whether the agent itself refuses what the owner would be asked for: in these modes it confirms nothing. */
const isInVain = ({ app, services, state }: SessionContext, { spec }: Command): boolean =>
  spec.name === "GET_CONFIRMATION" && state.silent && services.authority.verdict(app, "passphrase").verdict === "ask"

/**
 * The operations of a command. A decryption with a key of which nobody knows what it is for may be a signature: where that needs
 * the owner's yes, one question serves both; else it is judged when the ciphertext is there.
 */
const withSign = (
  session: SessionContext,
  command: Command,
  keygrips: ReadonlyArray<Keygrip>
): ReadonlyArray<Operation> => {
  const { app, services, state } = session
  const operations = operationsOf(session, command)
  if (command.spec.name !== "PKDECRYPT") return operations
  const unknown = keygrips.filter((keygrip) => services.keys.info(keygrip).capabilities === undefined)
  const asks = unknown.some((keygrip) => services.authority.verdict(app, "sign", keygrip).verdict === "ask")
  state.maySignUnknown = unknown.length > 0 && !asks
  return asks ? [...operations, "sign"] : operations
}
