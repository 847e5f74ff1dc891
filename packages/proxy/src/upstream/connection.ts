// One connection to gpg-agent. Plain callbacks inside, one effect for each exchange: the agent's answer is collected
// whole and bounded, since whoever asked may have to throw it away.
import { Dialogue } from "@gripgate/protocol/dialogue"
import { LineReader } from "@gripgate/protocol/framing"
import { MAX_LINE_OUT, MAX_REPLY } from "@gripgate/protocol/limits"
import type { Reply } from "@gripgate/protocol/reply"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import { type AgentConnection, type Answer, type Listening, type NoAgent, noAgent } from "./agent.ts"
import { Collector, giveSlab, takeSlab } from "./collector.ts"

type Resume = (effect: Effect.Effect<Answer>) => void

const LF = Buffer.from("\n")
const DATA = Buffer.from("D ")

/** The reason of a failure where the agent closes in order, but too early. */
export const DROPPED = "the agent closed the connection"

const PROBE = Buffer.from("GETINFO version\nGETINFO restricted\n")

const silent: Listening = { status: [], live: () => {} }

const unlessLost = (answer: Answer): Effect.Effect<void, NoAgent> =>
  answer.kind === "lost" ? Effect.fail(noAgent(answer.reason)) : Effect.void

/** Status lines that a person waits for. */
const isLive = (keyword: string): boolean => keyword === "PROGRESS"

export class SocketConnection implements AgentConnection {
  version = ""
  restricted = false
  closed = false
  another = false
  readonly applied: Map<string, Buffer> = new Map()
  readonly collected: Collector = new Collector(MAX_REPLY)
  private readonly socket: Duplex
  private readonly dialogue = new Dialogue()
  private readonly reader = new LineReader(undefined, MAX_REPLY)
  private resume: Resume | undefined
  private listening: Listening = silent
  /** Replies that come before the one that is waited for; each has to be OK. */
  private before = 0
  private maxLength: number | undefined
  private shows: Buffer | undefined
  private onIdleClose: (() => void) | undefined

  private constructor(stream: Duplex) {
    this.socket = stream
    this.socket.on("data", (chunk: Buffer) => this.receive(chunk))
    this.socket.on("error", (error: NodeJS.ErrnoException) => this.fail(error.code ?? error.message))
    this.socket.on("close", () => this.fail(DROPPED))
  }

  /** Connects and waits for the greeting, then asks who is there. The caller bounds the time. */
  static open(path: string): Effect.Effect<SocketConnection, NoAgent> {
    return SocketConnection.over(() => net.connect({ path, allowHalfOpen: false }))
  }

  /** The same with whatever carries bytes both ways: its error has a `code`, or its words are the reason. */
  static over(stream: () => Duplex): Effect.Effect<SocketConnection, NoAgent> {
    return Effect.suspend(() => {
      const connection = new SocketConnection(stream())
      return connection.greeted().pipe(
        Effect.andThen(connection.probe()),
        Effect.as(connection),
        Effect.onError(() => Effect.sync(() => connection.close()))
      )
    })
  }

  exchange(lines: ReadonlyArray<Buffer>, count: number, listening: Listening): Effect.Effect<Answer> {
    return Effect.callback<Answer>((resume) => {
      if (this.closed) return resume(Effect.succeed({ kind: "lost", reason: DROPPED }))
      this.collected.clear()
      this.resume = resume
      this.listening = listening
      this.before += count - 1
      this.maxLength = this.shows = undefined
      this.dialogue.sent(count)
      this.send(lines)
    })
  }

  answer(lines: Buffer): Effect.Effect<Answer> {
    return Effect.callback<Answer>((resume) => {
      if (this.closed) return resume(Effect.succeed({ kind: "lost", reason: DROPPED }))
      this.resume = resume
      this.maxLength = this.shows = undefined
      this.dialogue.answered()
      this.socket.write(lines)
    })
  }

  ahead(lines: ReadonlyArray<Buffer>): void {
    if (this.closed || lines.length === 0) return
    this.before += lines.length
    this.dialogue.sent(lines.length)
    this.send(lines)
  }

  /** In one write, out of a slab: a line may carry a secret, and the shared pool is no place for it. */
  private send(lines: ReadonlyArray<Buffer>): void {
    let length = 0
    for (const line of lines) length += line.length
    const slab = takeSlab(length)
    let at = 0
    for (const line of lines) at += line.copy(slab, at)
    this.socket.write(slab.subarray(0, length), () => giveSlab(slab, length))
  }

  /** Tells when a connection that nobody uses is closed by the agent. */
  whenClosed(listener: (() => void) | undefined): void {
    this.onIdleClose = listener
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.collected.clear()
    this.reader.wipe()
    this.socket.destroy()
  }

  private greeted(): Effect.Effect<void, NoAgent> {
    const greeting = Effect.callback<Answer>((resume) => {
      this.resume = resume
    })
    return Effect.flatMap(greeting, unlessLost)
  }

  /** Both questions in one write; `GETINFO restricted` says no with an ERR. */
  private probe(): Effect.Effect<void, NoAgent> {
    return this.exchange([PROBE], 2, { ...silent, all: true }).pipe(
      Effect.flatMap(unlessLost),
      Effect.flatMap(() => {
        const [first, restricted] = this.collected.bytes.toString("latin1").split("\nOK\n")
        const version = /^D ([0-9A-Za-z.-]{1,40})$/.exec(first ?? "")?.[1]
        this.collected.clear()
        // an agent that answers something else is out of step already
        if (version === undefined) return Effect.fail(noAgent("it does not tell its version"))
        this.version = version
        this.restricted = restricted?.startsWith("OK") === true
        return Effect.void
      })
    )
  }

  private receive(chunk: Buffer): void {
    if (this.closed) return
    this.reader.push(chunk)
    for (let line = this.reader.next(); line !== undefined; line = this.reader.next()) {
      const greeting = this.dialogue.turn === "greeting"
      const reply = this.dialogue.server(line)
      if (reply === undefined) return this.fail("the agent said something that is not Assuan, or not now")
      if (greeting) this.greet(reply)
      else this.take(reply, line)
      if (this.closed) return
    }
    if (this.reader.fault !== undefined) this.fail(`the agent's answer: ${this.reader.fault}`)
  }

  private greet(reply: Reply): void {
    if (reply.kind === "comment") return
    if (reply.kind === "ok") this.finish({ kind: "done", ok: true, finalAt: 0 })
    else this.fail("the agent greets with an error")
  }

  private take(reply: Reply, line: Buffer): void {
    const last = this.before === 0
    const kept = last || this.listening.all === true
    switch (reply.kind) {
      case "comment":
        return
      case "status":
        return kept ? this.status(reply.keyword, reply.args, line) : undefined
      case "data":
        return kept ? this.collect(line) : undefined
      case "inquire":
        if (!last) return this.fail("the agent asks where it may not")
        return this.finish({
          kind: "inquire",
          keyword: reply.keyword,
          args: reply.args.toString("latin1"),
          maxLength: this.maxLength,
          shows: this.shows
        })
      case "ok":
      case "err": {
        if (!last) {
          if (this.listening.all === true) this.collect(line)
          if (reply.kind === "ok" || this.listening.all === true) this.before--
          else this.refusedSetter(line)
          return
        }
        // the OK line too goes into the slab: it may carry a passphrase
        const finalAt = this.collected.length
        this.collect(line)
        if (!this.closed) this.finish({ kind: "done", ok: reply.kind === "ok", finalAt })
      }
    }
  }

  /** The lines behind it may have done anything with the state that it left: their answers are not waited for. */
  private refusedSetter(line: Buffer): void {
    const error = Buffer.concat([line, LF])
    const resume = this.resume
    this.resume = undefined
    this.close()
    resume?.(Effect.succeed({ kind: "setter", error }))
  }

  private status(keyword: string, args: Buffer, line: Buffer): void {
    if (keyword === "INQUIRE_MAXLEN") {
      const length = Number(args.toString("latin1"))
      this.maxLength = Number.isSafeInteger(length) && length >= 0 ? length : undefined
      return
    }
    if (keyword === "SETDESC") this.shows = Buffer.from(args)
    const { status } = this.listening
    if (status !== "*" && !status.includes(keyword)) return
    if (isLive(keyword) && this.collected.length === 0) this.listening.live(line)
    else this.collect(line)
  }

  private collect(line: Buffer): void {
    if (line.length > MAX_LINE_OUT) return this.collectLong(line)
    if (!this.collected.append(line, true)) this.fail("the agent's answer is too long")
    // where it came in it may be a session key or a passphrase that nobody wipes any more
    line.fill(0)
  }

  /** One byte more is taken than is written: a D line becomes two, of any other the last byte goes, as in libassuan. */
  private collectLong(line: Buffer): void {
    const isData = line[0] === 0x44
    const escape = line.indexOf(0x25, MAX_LINE_OUT - 2)
    const cut = isData && escape >= 0 && escape < MAX_LINE_OUT ? escape : MAX_LINE_OUT
    const rest = Buffer.concat([DATA, line.subarray(cut)])
    this.collect(line.subarray(0, cut))
    if (isData && !this.closed) this.collect(rest)
    line.fill(0)
  }

  private finish(answer: Answer): void {
    const resume = this.resume
    this.resume = undefined
    resume?.(Effect.succeed(answer))
  }

  private fail(reason: string): void {
    const idle = this.resume === undefined
    const resume = this.resume
    this.resume = undefined
    this.close()
    if (idle) this.onIdleClose?.()
    resume?.(Effect.succeed({ kind: "lost", reason }))
  }
}
