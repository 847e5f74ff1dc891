// Clients that have said hello and do nothing, but each says NOP now and then, to tell that it is there and to see that the gate is.
import { Client, handshake } from "../bench/dialogue.ts"
import { Poll } from "../bench/libc.ts"

export interface IdleOrder {
  readonly kind: "idle"
  readonly socket: string
  readonly clients: number
}

export interface IdleResult {
  readonly kind: "idle"
  /** NOPs that were answered. */
  readonly answered: number
  /** Clients that were turned away or got no answer, and the first reason. */
  readonly errors: number
  readonly reason: string | undefined
}

const NOP = Buffer.from("NOP\n")

/** Milliseconds between two looks at who has been answered, and between two NOPs of one client. */
const LOOK = 100
const BETWEEN = 30_000

/** Milliseconds that an answer may take. */
const PATIENCE = 10_000

export class IdleCrowd {
  private readonly clients: Array<Client | undefined> = []
  private readonly waiting = new Map<number, number>()
  private readonly poll: Poll
  private readonly timer: NodeJS.Timeout
  private next = 0
  private answered = 0
  private errors = 0
  private reason: string | undefined

  /** Opens all of them, one after the other. */
  constructor({ clients, socket }: IdleOrder) {
    this.poll = new Poll(clients)
    for (let index = 0; index < clients; index++) this.open(index, socket)
    const each = Math.max(1, Math.ceil(clients * LOOK / BETWEEN))
    this.timer = setInterval(() => this.look(each), LOOK)
  }

  /** Has every one of them answered once more, and closes all. */
  end(): IdleResult {
    clearInterval(this.timer)
    for (let index = 0; index < this.clients.length; index++) if (!this.waiting.has(index)) this.say(index)
    for (const end = performance.now() + PATIENCE; this.waiting.size > 0 && performance.now() < end;) {
      this.poll.wait(LOOK)
      this.take()
    }
    for (const index of this.waiting.keys()) this.fail(index, new Error("a NOP was not answered"))
    for (const client of this.clients) client?.close()
    return { kind: "idle", answered: this.answered, errors: this.errors, reason: this.reason }
  }

  private open(index: number, socket: string): void {
    let client: Client | undefined
    try {
      client = Client.greeted(socket)
      for (const line of handshake) client.command(line)
      this.clients[index] = client
      this.poll.set(index, client.fd)
    } catch (error) {
      client?.close()
      this.clients[index] = undefined
      this.fail(index, error)
    }
  }

  private look(each: number): void {
    this.poll.wait(0)
    this.take()
    const now = performance.now()
    for (const [index, since] of this.waiting) {
      if (now - since > PATIENCE) this.fail(index, new Error(`a NOP was not answered in ${PATIENCE} ms`))
    }
    for (let i = 0; i < each; i++, this.next = (this.next + 1) % this.clients.length) {
      if (!this.waiting.has(this.next)) this.say(this.next)
    }
  }

  private say(index: number): void {
    const client = this.clients[index]
    if (client === undefined) return
    try {
      client.send(NOP)
      this.waiting.set(index, performance.now())
    } catch (error) {
      this.fail(index, error)
    }
  }

  private take(): void {
    for (const [index, client] of this.clients.entries()) {
      if (client === undefined || !this.poll.ready(index)) continue
      try {
        if (!client.take()) continue
        if (!this.waiting.delete(index)) throw new Error("the gate said something without being asked")
        this.answered++
      } catch (error) {
        this.fail(index, error)
      }
    }
  }

  private fail(index: number, error: unknown): void {
    this.errors++
    this.reason ??= (error as Error).message
    this.waiting.delete(index)
    this.clients[index]?.close()
    this.clients[index] = undefined
    this.poll.set(index, -1)
  }
}
