// What comes over a control socket, by lines and by secrets: both ends of it read with this. A secret is bytes behind a line, as
// many as the line says; they go into a slab of their own, and are wiped where they came in. What they mean is no matter here.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as net from "node:net"
import { secretSlab } from "../grant/token.ts"
import { reasonOf } from "../reason.ts"

const LF = 0x0a

/** Something whole that came, or why it never will. */
type Taken = Result.Result<Buffer, string>

/**
 * Reads a socket from its first byte on, until `drop` is called; its errors are heard here too. Whoever asks for the next thing asks
 * for one at a time, and bounds the time.
 */
export class Incoming {
  private readonly socket: net.Socket
  private chunks: Array<Buffer> = []
  private size = 0
  /** Chunks that have been looked through in vain, and their bytes. */
  private looked = 0
  private lookedSize = 0
  private dropped = false
  /** Why nothing more comes; the words behind a name are for a line that has begun. */
  private over: "closed" | { readonly reason: string } | undefined
  private look: () => void = () => {}
  private readonly whenGone = new Set<() => void>()

  constructor(socket: net.Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => this.receive(chunk))
    socket.on("end", () => this.end("closed"))
    socket.on("error", (error) => this.end({ reason: `the connection broke: ${reasonOf(error)}` }))
    socket.on("close", () => this.end("closed"))
  }

  /** Whether the other end has closed: it sends nothing more, and may be gone. */
  get isOver(): boolean {
    return this.over !== undefined
  }

  /** Waits until the other end has closed. */
  readonly gone: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.isOver) return resume(Effect.void)
    const tell = () => resume(Effect.void)
    this.whenGone.add(tell)
    return Effect.sync(() => void this.whenGone.delete(tell))
  })

  /**
   * The next line, without its LF. Fails, in words, where it is longer than `limit` bytes, where the other end closes before its LF,
   * and where the connection breaks; nothing is to be had any more then.
   */
  line(limit: number): Effect.Effect<Buffer, string> {
    return this.wait(() => this.takeLine(limit))
  }

  /** The next `length` bytes, in a slab that whoever has them wipes. */
  secret(length: number): Effect.Effect<Buffer, string> {
    return this.wait(() => {
      if (this.size >= length) return Result.succeed(this.take(length, secretSlab(length)))
      return this.over === undefined ? undefined : Result.fail(this.whyOver("before all of a secret had come"))
    })
  }

  /** Calls back for every line, until what comes back is called, or `onEnd` says why there are no more. */
  lines(limit: number, onLine: (line: Buffer) => void, onEnd: (reason: string) => void): () => void {
    const look = () => {
      for (;;) {
        const taken = this.dropped ? undefined : this.takeLine(limit)
        if (taken === undefined) return
        if (Result.isFailure(taken)) {
          this.drop()
          return onEnd(taken.failure)
        }
        onLine(taken.success)
      }
    }
    this.look = look
    look()
    return () => this.drop()
  }

  /** Overwrites what is there, and whatever still comes; nothing is to be had any more. */
  drop(): void {
    this.dropped = true
    for (const chunk of this.chunks) chunk.fill(0)
    this.chunks = []
    this.size = this.looked = this.lookedSize = 0
    this.look = () => {}
    this.socket.resume()
  }

  private wait(take: () => Taken | undefined): Effect.Effect<Buffer, string> {
    return Effect.callback((resume) => {
      const look = () => {
        const taken = take()
        if (taken === undefined) return
        this.look = () => {}
        if (Result.isFailure(taken)) this.drop()
        resume(Effect.fromResult(taken))
      }
      this.look = look
      look()
      return Effect.sync(() => {
        this.look = () => {}
      })
    })
  }

  private receive(chunk: Buffer): void {
    if (this.dropped) return void chunk.fill(0)
    this.chunks.push(chunk)
    this.size += chunk.length
    this.look()
  }

  private end(how: "closed" | { readonly reason: string }): void {
    if (this.over !== undefined) return
    this.over = how
    this.look()
    this.whenGone.forEach((tell) => tell())
    this.whenGone.clear()
  }

  private whyOver(when: string): string {
    return this.over === "closed" || this.over === undefined ? `the connection was closed ${when}` : this.over.reason
  }

  private takeLine(limit: number): Taken | undefined {
    for (; this.looked < this.chunks.length; this.looked++) {
      const chunk = this.chunks[this.looked]!
      const at = chunk.indexOf(LF)
      const length = this.lookedSize + (at < 0 ? chunk.length : at)
      if (length >= limit) return Result.fail(`the line is longer than ${limit} bytes`)
      if (at >= 0) return Result.succeed(this.take(length + 1, Buffer.alloc(length + 1)).subarray(0, length))
      this.lookedSize = length
    }
    if (this.over === undefined) return undefined
    return Result.fail(this.whyOver(this.size === 0 ? "without a line" : "in mid-line"))
  }

  /** Moves the first bytes, and leaves nothing of them where they lay. */
  private take(length: number, into: Buffer): Buffer {
    let at = 0
    while (at < length) {
      const chunk = this.chunks[0]!
      const part = chunk.subarray(0, length - at)
      part.copy(into, at)
      part.fill(0)
      at += part.length
      if (part.length === chunk.length) this.chunks.shift()
      else this.chunks[0] = chunk.subarray(part.length)
    }
    this.size -= length
    this.looked = this.lookedSize = 0
    return into
  }
}
