// Secrets on a control socket: the passphrases behind a request, and the token behind a reply. Nothing of them is in a string, and
// whatever becomes of a conversation, nothing of them is left in memory that is ours to wipe.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import type { Passphrases } from "../grant/issue.ts"
import type { Incoming } from "./incoming.ts"
import type { Request } from "./message/request.ts"

/** Overwrites them; several keys may have the same memory. */
export const wipePassphrases = (passphrases: Passphrases): void => {
  for (const passphrase of passphrases.values()) passphrase.fill(0)
}

/** What a request says of passphrases; none for one of a verb that has none. */
export const secretsOf = (
  request: Request
): ReadonlyArray<{ readonly key: string; readonly bytes: number }> =>
  (request.verb === "grant" || request.verb === "rotate" ? request.secrets : undefined) ?? []

/** Reads the passphrases that follow a request, in their order; whoever has them wipes them. */
export const readSecrets = (incoming: Incoming, request: Request): Effect.Effect<Passphrases, string> =>
  Effect.suspend(() => {
    const read = new Map<Keygrip, Buffer>()
    return Effect.forEach(
      secretsOf(request),
      ({ bytes, key }) => Effect.map(incoming.secret(bytes), (secret) => void read.set(parseKeygrip(key)!, secret)),
      { discard: true }
    ).pipe(
      Effect.as(read),
      Effect.onError(() => Effect.sync(() => wipePassphrases(read)))
    )
  })

/**
 * Sends a reply with the token behind it, and wipes the token. Says whether both were handed to the system while somebody was at the
 * other end; whether he has read them is not known. Takes `patience` milliseconds at most.
 */
export const handOver = (
  socket: net.Socket,
  incoming: Incoming,
  reply: Buffer,
  token: Buffer,
  patience: number
): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const finish = (sent: boolean): void => {
      clearTimeout(timer)
      socket.off("close", lost)
      token.fill(0)
      resume(Effect.succeed(sent))
    }
    const lost = (): void => finish(false)
    const timer = setTimeout(() => socket.destroy(), patience)
    if (incoming.isOver || socket.destroyed) return lost()
    socket.once("close", lost)
    socket.write(reply)
    socket.end(token, (error?: Error | null) => finish(error === undefined || error === null))
  })
