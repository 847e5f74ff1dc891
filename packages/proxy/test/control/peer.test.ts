// Who is at the other end, of real clients.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { ControlPeer } from "../../src/control/peer.ts"
import { peerReader } from "../../src/control/peer.ts"
import { LATE, OneAtATime, slow } from "../../src/listen/facts/slow.ts"
import { connected, startServer } from "../listen/facts/server.ts"

describe("peerReader", () => {
  it.live("knows what is slow, and the parents, while a client of the gate has its reads hang", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const hanging = Promise.withResolvers<void>()
      yield* Effect.addFinalizer(() => Effect.sync(hanging.resolve))
      const { socket } = yield* connected(server)
      assert.strictEqual(yield* slow.read(() => hanging.promise), LATE)
      const peer = yield* peerReader(server.path, () => undefined)(socket)
      assert.notInclude(peer.unread ?? [], "flatpak")
      assert.include(peer.cmdline ?? "", "client-program.ts")
      assert.strictEqual(peer.parents?.[0]?.pid, process.pid)
    }))

  it.live("has nobody wait for what is slow who may not anyway", () =>
    Effect.gen(function*() {
      const server = yield* startServer
      const { socket } = yield* connected(server)
      class Never extends OneAtATime {
        override read = () => Effect.die("read something slow")
      }
      const asked: Array<ControlPeer> = []
      const read = peerReader(server.path, (peer) => (asked.push(peer), "no"), new Never())
      const peer = yield* read(socket)
      assert.includeMembers([...peer.unread ?? []], ["cmdline", "flatpak"])
      assert.deepStrictEqual(asked.map(({ pid }) => pid), [peer.pid])
    }))
})
