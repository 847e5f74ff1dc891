// Who is at the other end of a connection to the control socket: all that could tell that he may not.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import type { SlowFact } from "@gripgate/policy/client/slow-facts"
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import { type Parent, parentsOf } from "../listen/facts/parents.ts"
import { readFacts, readSlow } from "../listen/facts/read-facts.ts"
import { OneAtATime } from "../listen/facts/slow.ts"

export interface ControlPeer extends ClientFacts {
  /** Those that it was started by, also beyond its session. */
  readonly parents?: ReadonlyArray<Parent>
}

const allSlow: ReadonlySet<SlowFact> = new Set(["cmdline", "flatpak"])

/**
 * Reads who it is. What is slow is read last, and only of one that `denied` does not turn away for all the rest: no other can
 * have the owner wait. The turns are the socket's own, so that a client of the gate whose file system hangs does not
 * take from the owner what says that he is no app.
 */
export const peerReader = (
  path: string,
  denied: (peer: ControlPeer) => unknown,
  turns = new OneAtATime()
): (socket: net.Socket) => Effect.Effect<ControlPeer> =>
(socket) =>
  Effect.suspend((): Effect.Effect<ControlPeer> => {
    const facts = readFacts(socket, path)
    const peer: ControlPeer = { ...facts, parents: parentsOf(facts) }
    // what the name of a scope says of a Flatpak is not the last word: see readSlow
    const { flatpak: _, ...quick } = peer
    if (denied(quick) !== undefined) return Effect.succeed({ ...quick, unread: [...quick.unread ?? [], ...allSlow] })
    return Effect.map(readSlow(peer, allSlow, turns), (all) => ({ ...all, parents: peer.parents ?? [] }))
  })
