// One line over a socket, bounded. Both ends of the control socket read theirs with it.
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import { reasonOf } from "../reason.ts"
import { MAX_CONTROL_LINE } from "./message.ts"

const LF = 0x0a

/**
 * The first line that comes, without its LF; what follows is dropped. Fails, in words, where the line is too long, where the
 * other end closes before its LF, and where the connection breaks. Waits without limit: the caller bounds the
 * time, and listens to `error` too, for what happens afterwards.
 */
export const readLine = (socket: net.Socket): Effect.Effect<Buffer, string> =>
  Effect.callback<Buffer, string>((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const onData = (chunk: Buffer) => {
      const end = chunk.indexOf(LF)
      const part = end < 0 ? chunk : chunk.subarray(0, end)
      size += part.length
      if (size >= MAX_CONTROL_LINE) return done(Effect.fail(`the line is longer than ${MAX_CONTROL_LINE} bytes`))
      chunks.push(part)
      if (end >= 0) done(Effect.succeed(Buffer.concat(chunks)))
    }
    const onEnd = () =>
      done(
        Effect.fail(size === 0 ? "the connection was closed without a line" : "the connection was closed in mid-line")
      )
    const onError = (error: Error) => done(Effect.fail(`the connection broke: ${reasonOf(error)}`))
    const forget = () => {
      // whatever comes now is read and dropped
      socket.off("data", onData).off("end", onEnd).off("error", onError).resume()
    }
    const done = (result: Effect.Effect<Buffer, string>) => {
      forget()
      resume(result)
    }
    socket.on("data", onData).on("end", onEnd).on("error", onError)
    return Effect.sync(forget)
  })
