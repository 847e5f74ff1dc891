// The client's end of a session: bytes in as lines, replies out. Callbacks fill it, one fiber empties it. It also notes
// since when the client owes something, for the watch over all sessions.
import { LineReader } from "@gripgate/protocol/framing"
import { type GpgError, gpgError } from "@gripgate/protocol/gpg-error"
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import { giveSlab } from "../upstream/collector.ts"

/** What a client owes: the rest of a line, an answer to an inquiry, or to take what it was sent. */
export type Debt = "line" | "answer" | "reply"

type Resume = (line: Effect.Effect<Buffer | undefined>) => void

/** Milliseconds that a session which has ended waits for its client to take the last reply. */
const LINGER = 10_000

/** The number for a client that cannot be understood any more: see `fault`. */
export const faultError = (fault: string): GpgError =>
  fault === "line too long"
    ? gpgError.ASS_LINE_TOO_LONG
    : fault === "too much sent early"
    ? gpgError.ASS_TOO_MUCH_DATA
    : gpgError.ASS_INCOMPLETE_LINE

const NOTHING = Buffer.alloc(0)

export class ClientChannel {
  /** The client will send nothing more. */
  ended = false
  /** Nothing can be sent any more. */
  gone = false
  /** Why the session was ended from outside, such as by a time-out. */
  closedFor: string | undefined
  private readonly socket: net.Socket
  private readonly reader = new LineReader()
  private readonly now: () => number
  private readonly since: Record<Debt, number | undefined> = { line: undefined, answer: undefined, reply: undefined }
  private waiter: Resume | undefined
  private drain: (() => void) | undefined
  private readonly losses = new Set<() => void>()

  constructor(socket: net.Socket, now: () => number) {
    this.socket = socket
    this.now = now
    socket.on("data", (chunk: Buffer) => {
      this.reader.push(chunk)
      // what cannot be understood any more is left where it is
      if (this.reader.fault !== undefined) {
        socket.pause()
        this.tellLoss()
      }
      this.wake()
    })
    socket.on("end", () => {
      this.ended = true
      this.wake()
    })
    // a client that closes right after its last command is normal life
    socket.on("error", () => this.lost())
    socket.on("close", () => this.lost())
    socket.on("drain", () => this.drained())
  }

  /** Why the client cannot be understood any more, if so. */
  get fault(): string | undefined {
    return this.reader.fault ?? (this.ended && this.reader.pending > 0 ? "the last line is not finished" : undefined)
  }

  /** The next line if it is there already. */
  take(): Buffer | undefined {
    if (this.closedFor !== undefined || this.gone) return undefined
    const line = this.reader.next()
    this.since.line = line === undefined && this.reader.pending > 0 ? this.since.line ?? this.now() : undefined
    return line
  }

  /** The next line; `undefined` when there will be none: see `fault`, `ended` and `gone`. May be waited for once at a time. */
  readonly next: Effect.Effect<Buffer | undefined> = Effect.callback((resume) => {
    const line = this.take()
    if (line !== undefined || this.over) return resume(Effect.succeed(line))
    this.waiter = resume
    return Effect.sync(() => {
      this.waiter = undefined
    })
  })

  /** Sends bytes that are nobody's secret. Nothing follows the last word of `closeFor`. */
  send(bytes: Buffer): void {
    if (this.gone || this.closedFor !== undefined) return
    this.socket.write(bytes)
    this.noteUnsent()
  }

  /** Sends bytes out of a slab, which is wiped and free again when they are out. */
  sendSlab(bytes: Buffer, slab: Buffer): void {
    if (this.gone || this.closedFor !== undefined) return giveSlab(slab, bytes.length)
    this.socket.write(bytes, () => giveSlab(slab, bytes.length))
    this.noteUnsent()
  }

  /** Waits until the client has taken what it was sent, if that is more than a socket holds. */
  readonly taken: Effect.Effect<void> = Effect.callback((resume) => {
    if (!this.unsent || this.closedFor !== undefined) return resume(Effect.void)
    this.drain = () => resume(Effect.void)
    return Effect.sync(() => {
      this.drain = undefined
    })
  })

  /** Whether the client has left so much unread that it gets no further reply: one such reply is the most. */
  get unsent(): boolean {
    return !this.gone && this.socket.writableNeedDrain
  }

  /**
   * Calls back, once, when no reply is waited for any more: the client is gone, was closed, or broke the rules. What comes back
   * stops that. A client that will send nothing more may still wait.
   */
  readonly whenLost = (listener: () => void): () => void => {
    this.losses.add(listener)
    if (this.isLost) queueMicrotask(() => this.tellLoss())
    return () => void this.losses.delete(listener)
  }

  /**
   * Finds out whether a client that will send nothing more still takes replies: a write of no bytes fails with EPIPE where
   * the whole socket was closed, and `gone` is true with the next turn.
   */
  probe(): void {
    if (this.ended && this.socket.writable && !this.socket.writableNeedDrain) this.socket.write(NOTHING)
  }

  /** An inquiry is open: from now on the client owes an answer; `false` when it has come. */
  awaitAnswer(open: boolean): void {
    this.since.answer = open ? this.now() : undefined
  }

  /** Since when the client owes something, in milliseconds of the clock. */
  owes(debt: Debt): number | undefined {
    return this.since[debt]
  }

  /** Ends the session from outside: the reply is sent, and whoever waits for a line gets none. */
  closeFor(reason: string, reply: Buffer): void {
    if (this.gone || this.closedFor !== undefined) return
    this.send(reply)
    this.closedFor = reason
    this.tellLoss()
    this.wake()
    this.drained()
  }

  /**
   * Says that nothing more will be sent, wipes what waits, and lets go of the socket when the client has closed it too:
   * one that is still writing would fail with EPIPE before it reads the last reply. `atOnce` lets go when all is out.
   */
  close(atOnce = false): void {
    this.reader.wipe()
    if (this.gone) return
    this.socket.removeAllListeners("data")
    this.socket.resume()
    if (this.closedFor !== undefined && this.unsent) return void this.socket.destroy()
    // for one that never reads, or never closes; it may go on sending, so this is not the socket's own time-out
    const timer = setTimeout(() => this.socket.destroy(), LINGER)
    this.socket.once("close", () => clearTimeout(timer))
    this.socket.end(() => atOnce ? this.socket.destroy() : undefined)
  }

  private get over(): boolean {
    return this.ended || this.gone || this.closedFor !== undefined || this.reader.fault !== undefined
  }

  /** Whether no reply is waited for any more: see `whenLost`. */
  get isLost(): boolean {
    return this.gone || this.closedFor !== undefined || this.reader.fault !== undefined
  }

  private tellLoss(): void {
    const told = [...this.losses]
    this.losses.clear()
    for (const listener of told) listener()
  }

  private wake(): void {
    const resume = this.waiter
    if (resume === undefined) return
    const line = this.take()
    if (line === undefined && !this.over) return
    this.waiter = undefined
    resume(Effect.succeed(line))
  }

  private noteUnsent(): void {
    if (this.socket.writableNeedDrain) this.since.reply ??= this.now()
  }

  private drained(): void {
    this.since.reply = undefined
    const resume = this.drain
    this.drain = undefined
    resume?.()
  }

  private lost(): void {
    this.gone = true
    this.ended = true
    this.tellLoss()
    this.wake()
    this.drained()
  }
}
