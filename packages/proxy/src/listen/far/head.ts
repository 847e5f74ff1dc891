// What comes on a connection before its first line: bytes up to one that ends them, as few as that. The rest stays where it is, for
// whoever has the connection next.
import * as Effect from "effect/Effect"
import type * as net from "node:net"

/** What has come instead of a whole head. */
export type HeadFault = "too long" | "unfinished" | "late"

/**
 * The bytes before the first `end`, at most `most` with it, within `limit` milliseconds. The socket is paused when this is done, and
 * has its errors seen to for good; what follows the head is read by whoever resumes it.
 */
export const readHead = (
  socket: net.Socket,
  { end, limit, most }: { readonly end: number; readonly limit: number; readonly most: number }
): Effect.Effect<Buffer | HeadFault> =>
  Effect.callback((resume) => {
    let head = Buffer.alloc(0)
    const done = (result: Buffer | HeadFault, rest?: Buffer): void => {
      clearTimeout(timer)
      socket.off("data", take).off("end", ended).off("close", ended).pause()
      if (rest !== undefined && rest.length > 0) socket.unshift(rest)
      resume(Effect.succeed(result))
    }
    const take = (chunk: Buffer): void => {
      const at = chunk.indexOf(end)
      const bytes = at < 0 ? chunk : chunk.subarray(0, at)
      if (head.length + bytes.length >= most) return done("too long")
      head = Buffer.concat([head, bytes])
      if (at >= 0) done(head, chunk.subarray(at + 1))
    }
    const ended = (): void => done("unfinished")
    const timer = setTimeout(() => done("late"), limit)
    // a client that goes away is normal life
    socket.on("error", () => {}).on("data", take).once("end", ended).once("close", ended).resume()
    return Effect.sync(() => clearTimeout(timer))
  })
