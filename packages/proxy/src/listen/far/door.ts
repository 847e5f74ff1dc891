// A socket for what brings clients of elsewhere: `gripgate connect`, and qrexec. Who is at this end of it is settled before anything
// is read; then comes the descriptor, and from there on every byte is the client's. Whoever may not, or says what is no
// descriptor, is told so and closed, and no session begins.
import type { ClientFacts } from "@gripgate/policy/client/facts"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import { errLine } from "@gripgate/protocol/reply"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type * as net from "node:net"
import { LogService } from "../../log.ts"
import { ClientChannel } from "../../session/client.ts"
import type { OnConnection } from "../listener.ts"
import { type FarClient, MAX_DESCRIPTOR, parseConnect } from "./connect-descriptor.ts"
import { type HeadFault, readHead } from "./head.ts"
import { parseQrexec } from "./qrexec-descriptor.ts"

/** What a socket is for. */
export type DoorKind = "connect" | "qubes"

export interface DoorOptions {
  readonly kind: DoorKind
  readonly path: string
  /** Who is at this end. */
  readonly facts: (socket: net.Socket) => Effect.Effect<ClientFacts>
  /** Why he may not bring clients; `undefined` where he may. */
  readonly denied: (peer: ClientFacts) => string | undefined
  /** Milliseconds for the descriptor. */
  readonly limit: number
  /** Begins a session. */
  readonly accept: (socket: net.Socket, facts: ClientFacts) => void
}

/** Connections at once that have not said whom they bring; beyond, one is turned away. */
const MAX_UNSETTLED = 256

const kinds = {
  connect: { end: 10, parse: parseConnect },
  qubes: { end: 0, parse: parseQrexec }
} as const

const faults: Readonly<Record<HeadFault, readonly [GpgError, string]>> = {
  "too long": [gpgError.ASS_LINE_TOO_LONG, `the descriptor is longer than ${MAX_DESCRIPTOR} bytes`],
  unfinished: [gpgError.ASS_INCOMPLETE_LINE, "the descriptor is not finished"],
  late: [gpgError.TIMEOUT, "the descriptor did not come in time"]
}

/** Takes the connections of such a socket as long as the scope lasts. */
export const farDoor = Effect.fnUntraced(function*(
  { accept, denied, facts, kind, limit, path }: DoorOptions
): Effect.fn.Return<OnConnection, never, Scope.Scope | LogService> {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.runtime(yield* FiberSet.make<void>())<never>()
  const { end, parse } = kinds[kind]
  let unsettled = 0

  const turnAway = (socket: net.Socket, error: GpgError, why: string): void => {
    log.write(4, `turned away at ${path}: ${why}`)
    const client = new ClientChannel(socket, () => clock.currentTimeMillisUnsafe())
    client.send(errLine(error))
    client.close()
    socket.resume()
  }

  const settle = Effect.fnUntraced(function*(socket: net.Socket) {
    const peer = yield* facts(socket)
    if (socket.destroyed) return
    const no = denied(peer)
    if (no !== undefined) return turnAway(socket, gpgError.FORBIDDEN, no)
    const head = yield* readHead(socket, { end, limit, most: MAX_DESCRIPTOR })
    if (socket.destroyed) return
    if (typeof head === "string") return turnAway(socket, ...faults[head])
    const far = parse(head)
    if (typeof far === "string") return turnAway(socket, gpgError.ASS_SYNTAX, far)
    accept(socket, farFacts(peer, far))
    socket.resume()
  })

  return (socket) => {
    socket.on("error", () => {})
    if (unsettled >= MAX_UNSETTLED) {
      return turnAway(socket, gpgError.LIMIT_REACHED, "too many have not said whom they bring")
    }
    unsettled++
    run(
      settle(socket).pipe(
        // the gate stops, at whatever this one was
        Effect.onInterrupt(() => Effect.sync(() => socket.destroy())),
        Effect.ensuring(Effect.sync(() => unsettled--))
      )
    )
  }
})

/** The facts of a client: what its transport says, and of whoever brings it what the kernel says. His program is not the client's. */
const farFacts = ({ gid, groups, label, pid, socket, uid }: ClientFacts, far: FarClient): ClientFacts => ({
  socket,
  chain: [],
  ...pid !== undefined && { pid },
  ...uid !== undefined && { uid },
  ...gid !== undefined && { gid },
  ...groups !== undefined && { groups },
  ...label !== undefined && { label },
  ...far
})
