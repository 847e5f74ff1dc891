// What a session wants to happen, as the authority judges it.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { Use } from "../authority/authority.ts"
import type { SessionContext } from "./context.ts"

/** A use by the client as it is recognised now. */
export const useOf = (
  { client, facts, identity, app, tokens }: SessionContext,
  command: string,
  operations: ReadonlyArray<Operation>,
  keygrips: ReadonlyArray<Keygrip>
): Use => {
  const use: Use = { app, facts, identity, command, operations, keygrips, whenLost: client.whenLost }
  return tokens.any ? { ...use, tokens } : use
}
