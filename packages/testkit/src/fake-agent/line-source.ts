// The lines of a socket, as libassuan's server takes them (assuan-buffer.c readaline, assuan_read_line), and every byte that
// came, also those that nobody took.
import type { Socket } from "node:net"

/** libassuan's LINELENGTH: 1000 bytes, CR and LF. */
const MAX_LINE = 1002

export interface LineSource {
  /** The next line without LF and without one CR before it; `undefined` at the end. Too long a line ends the connection. */
  next(): Promise<Buffer | undefined>
  received(): Buffer
  /** Settles at the end of what comes. */
  readonly ended: Promise<void>
  /** Settles when the socket is gone. */
  readonly closed: Promise<void>
}

/** `changed` is called whenever something came or ended; `hazard` with whatever a real agent would have choked on. */
export const lineSource = (socket: Socket, changed: () => void, hazard: (what: string) => void): LineSource => {
  const chunks: Array<Buffer> = []
  let pending = Buffer.alloc(0)
  let ended = false
  let wake = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const close = Promise.withResolvers<void>()
  const notice = () => {
    wake.resolve()
    wake = Promise.withResolvers()
    changed()
  }
  const finish = () => {
    ended = true
    end.resolve()
    notice()
  }
  socket.on("data", (chunk: Buffer<ArrayBuffer>) => {
    chunks.push(chunk)
    pending = Buffer.concat([pending, chunk])
    notice()
  })
  // a reset and an orderly end are the same to a server: no more lines
  socket.on("error", finish)
  socket.on("end", finish)
  socket.on("close", () => {
    close.resolve()
    finish()
  })
  const next = async (): Promise<Buffer | undefined> => {
    for (;;) {
      const lf = pending.indexOf(0x0a)
      if (lf >= MAX_LINE || lf < 0 && pending.length >= MAX_LINE) {
        hazard(`a line of more than ${MAX_LINE - 1} bytes`)
        socket.destroy()
        return undefined
      }
      if (lf >= 0) {
        const line = pending.subarray(0, lf)
        pending = pending.subarray(lf + 1)
        return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
      }
      if (ended) {
        if (pending.length > 0) hazard("an unfinished line at the end")
        return undefined
      }
      await wake.promise
    }
  }
  return { next, received: () => Buffer.concat(chunks), ended: end.promise, closed: close.promise }
}
