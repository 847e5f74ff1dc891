// One line over a socket, bounded. Both ends of the control socket read theirs with it.
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import { reasonOf } from "../reason.ts"

const LF = 0x0a

/**
 * The first line that comes, without its LF; what follows is dropped. Fails, in words, where the line is longer than `limit`
 * bytes, where the other end closes before its LF, and where the connection breaks. Waits without limit: the caller bounds the
 * time, and listens to `error` too, for what happens afterwards.
 */
export const readLine = (socket: net.Socket, limit: number): Effect.Effect<Buffer, string> =>
  Effect.callback<Buffer, string>((resume) => {
    const stop = readLines(socket, limit, (line) => {
      stop()
      resume(Effect.succeed(line))
    }, (reason) => resume(Effect.fail(reason)))
    return Effect.sync(stop)
  })

/** Every line that comes, until the function that comes back is called, or `onEnd` says why there are no more. */
export const readLines = (
  socket: net.Socket,
  limit: number,
  onLine: (line: Buffer) => void,
  onEnd: (reason: string) => void
): () => void => {
  let chunks: Array<Buffer> = []
  let size = 0
  let stopped = false
  const stop = () => {
    stopped = true
    // whatever comes now is read and dropped
    socket.off("data", onData).off("end", onClosed).off("error", onError).resume()
  }
  const finish = (reason: string) => {
    stop()
    onEnd(reason)
  }
  const onData = (chunk: Buffer) => {
    for (let from = 0; from < chunk.length && !stopped;) {
      const at = chunk.indexOf(LF, from)
      const part = chunk.subarray(from, at < 0 ? chunk.length : at)
      size += part.length
      if (size >= limit) return finish(`the line is longer than ${limit} bytes`)
      chunks.push(part)
      if (at < 0) return
      const line = Buffer.concat(chunks)
      chunks = []
      size = 0
      from = at + 1
      onLine(line)
    }
  }
  const onClosed = () =>
    finish(size === 0 ? "the connection was closed without a line" : "the connection was closed in mid-line")
  const onError = (error: Error) => finish(`the connection broke: ${reasonOf(error)}`)
  socket.on("data", onData).on("end", onClosed).on("error", onError)
  return stop
}
