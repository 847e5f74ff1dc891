// In which pieces a fake agent writes. A chunk is never a line: libassuan itself writes a line's LF with a second write(2).
import type { Socket } from "node:net"
import { setImmediate as turn } from "node:timers/promises"

/**
 * `whole`: a reply in one write. `lines`: a write for each line. `lineThenLf`: the line, then its LF. `bytes`: one byte at a
 * time. Between two writes the event loop turns once, so that the other side can see the pieces.
 */
export type Split = "whole" | "lines" | "lineThenLf" | "bytes"

const pieces = function*(bytes: Buffer, split: Split): Generator<Buffer> {
  if (split === "whole") return yield bytes
  if (split === "bytes") {
    for (let i = 0; i < bytes.length; i++) yield bytes.subarray(i, i + 1)
    return
  }
  for (let start = 0; start < bytes.length;) {
    const lf = bytes.indexOf(0x0a, start)
    const end = lf < 0 ? bytes.length : lf + 1
    if (split === "lineThenLf" && lf > start) {
      yield bytes.subarray(start, lf)
      yield bytes.subarray(lf, end)
    } else yield bytes.subarray(start, end)
    start = end
  }
}

/** Writes and waits until the system has taken the bytes; `false` where the other side is gone. */
const writePiece = (socket: Socket, piece: Buffer): Promise<boolean> =>
  new Promise((resolve) => {
    if (!socket.writable) return resolve(false)
    // the callback does not come on every way in which a socket can end
    const gone = () => resolve(false)
    socket.once("close", gone)
    socket.write(piece, (error) => {
      socket.off("close", gone)
      resolve(error === undefined || error === null)
    })
  })

/** Writes bytes in the pieces of `split`; `false` where the other side went meanwhile. */
export const writeSplit = async (socket: Socket, bytes: Buffer, split: Split): Promise<boolean> => {
  let first = true
  for (const piece of pieces(bytes, split)) {
    if (!first) await turn()
    first = false
    if (!await writePiece(socket, piece)) return false
  }
  return true
}
