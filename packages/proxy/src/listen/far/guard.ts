// Who may bring clients of elsewhere. To `gripgate connect`'s socket it is the gate's own user, and none of his apps: one that could
// name another would be it. To that of qrexec it is also root, as which qrexec runs. Whoever cannot be told may not.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import type { Policy } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import { deniedToApps } from "../../control/owners.ts"
import { type ControlPeer, peerReader } from "../../control/peer.ts"
import { readFacts } from "../facts/read-facts.ts"
import type { DoorKind, DoorOptions } from "./door.ts"

export interface GuardOptions {
  readonly path: string
  readonly gateUid: number | undefined
  /** The sandbox that the gate itself runs in. */
  readonly own: Pick<ClientFacts, "container">
  /** The policy in force. */
  readonly policy: () => Policy
}

/** How it is settled who is at this end of a socket of this kind. */
export const guardOf = (
  kind: DoorKind,
  { gateUid, own, path, policy }: GuardOptions
): Pick<DoorOptions, "denied" | "facts"> => {
  const mayUser = ({ uid }: ClientFacts): string | undefined =>
    uid === undefined
      ? "it cannot be told who it is"
      : uid === gateUid || (kind === "qubes" && uid === 0)
      ? undefined
      : `it is the user ${uid}`
  if (kind === "qubes") return { facts: (socket) => Effect.sync(() => readFacts(socket, path)), denied: mayUser }
  const denied = (peer: ControlPeer): string | undefined =>
    mayUser(peer) ?? deniedToApps(policy(), peer, gateUid, own, "speak for another")?.error
  return { facts: peerReader(path, denied), denied }
}
