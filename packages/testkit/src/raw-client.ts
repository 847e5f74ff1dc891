// A client that sends just the bytes it is told to, at the moment it is told to, and hands out what comes back line by
// line. It checks nothing: a test is to see what a server does with anything at all.
import { connect } from "node:net"
import { dataLines, replyData } from "./assuan-data.ts"

/** Milliseconds that a read waits where a test names no other limit. */
const TIMEOUT = 5_000

/** The lines up to and with the `OK`, `ERR` or `INQUIRE` that ends them, without their LF. */
export interface RawReply {
  readonly lines: ReadonlyArray<Buffer>
  /** The last line as latin1 text. */
  readonly last: string
  /** The bytes of all D lines, unescaped. */
  readonly data: Buffer
  /** The status lines without their `S `, as latin1 text. */
  readonly status: ReadonlyArray<string>
}

export interface RawClient extends AsyncDisposable {
  /** Sends bytes as they are; a string is latin1. Nothing is added, no LF either. */
  send(bytes: Uint8Array | string): void
  /** The next line without its LF. Throws at the time-out, and where the server has closed and nothing is left. */
  readLine(timeoutMs?: number): Promise<Buffer>
  readReply(timeoutMs?: number): Promise<RawReply>
  /** Sends a line and reads its reply. */
  command(line: Uint8Array | string, timeoutMs?: number): Promise<RawReply>
  /** Answers an inquiry with D lines and END, and reads on. */
  answer(data: Uint8Array, timeoutMs?: number): Promise<RawReply>
  /** Every byte that has come so far. */
  received(): Buffer
  /** Closes the writing side only. */
  end(): void
  /** How the server closed: `end` in order, else the code of the error (`ECONNRESET`); `local` after `destroy`. */
  readonly closed: Promise<string>
  destroy(): void
  close(): Promise<void>
}

const isFinal = (line: Buffer): boolean => /^(OK|ERR|INQUIRE)( |$)/.test(line.toString("latin1"))

/** Connects to a socket. The greeting is not read: it is the first reply. Rejects where nobody listens. */
export const connectRaw = async (path: string): Promise<RawClient> => {
  const socket = connect({ path, allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject))
  const chunks: Array<Buffer> = []
  let pending = Buffer.alloc(0)
  let how: string | undefined
  let wake = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<string>()
  const changed = () => {
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  const finish = (reason: string) => {
    how ??= reason
    closed.resolve(how)
    changed()
  }
  socket.on("data", (chunk: Buffer<ArrayBuffer>) => {
    chunks.push(chunk)
    pending = Buffer.concat([pending, chunk])
    changed()
  })
  socket.on("end", () => {
    finish("end")
    socket.end()
  })
  socket.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
  socket.on("close", () => finish("local"))

  const readLine = async (timeoutMs = TIMEOUT): Promise<Buffer> => {
    const late = Symbol()
    const timer = Promise.withResolvers<typeof late>()
    const timeout = setTimeout(() => timer.resolve(late), timeoutMs)
    try {
      for (;;) {
        const lf = pending.indexOf(0x0a)
        if (lf >= 0) {
          const line = pending.subarray(0, lf)
          pending = pending.subarray(lf + 1)
          return line
        }
        const left = `${pending.length} bytes of an unfinished line left`
        if (how !== undefined) throw new Error(`expected a line, but the connection was closed (${how}), ${left}`)
        if (await Promise.race([wake.promise, timer.promise]) === late) {
          throw new Error(`expected a line within ${timeoutMs} ms, none came, ${left}`)
        }
      }
    } finally {
      clearTimeout(timeout)
    }
  }
  const readReply = async (timeoutMs = TIMEOUT): Promise<RawReply> => {
    const lines: Array<Buffer> = []
    do lines.push(await readLine(timeoutMs))
    while (!isFinal(lines.at(-1)!))
    const texts = lines.map((line) => line.toString("latin1"))
    const status = texts.filter((text) => text.startsWith("S ")).map((text) => text.slice(2))
    return { lines, last: texts.at(-1)!, data: replyData(lines), status }
  }
  const send = (bytes: Uint8Array | string) =>
    void socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)
  const sendLines = (lines: ReadonlyArray<Uint8Array | string>) =>
    send(Buffer.concat(lines.flatMap((line) => [
      typeof line === "string" ? Buffer.from(line, "latin1") : line,
      Buffer.from("\n")
    ])))
  const destroy = () => void socket.destroy()
  const close = async () => {
    destroy()
    await closed.promise
  }
  return {
    send,
    readLine,
    readReply,
    command: (line, timeoutMs) => {
      sendLines([line])
      return readReply(timeoutMs)
    },
    answer: (data, timeoutMs) => {
      sendLines([...dataLines(data), "END"])
      return readReply(timeoutMs)
    },
    received: () => Buffer.concat(chunks),
    end: () => void socket.end(),
    closed: closed.promise,
    destroy,
    close,
    [Symbol.asyncDispose]: close
  }
}
