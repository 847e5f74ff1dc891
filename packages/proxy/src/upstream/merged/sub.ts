// One of several agents in one session: a connection that is opened when it is needed, and brought to what the session has set so
// far before anything is asked over it.
import * as Effect from "effect/Effect"
import type { AgentConnection, Answer, Listening, NoAgent } from "../agent.ts"
import { optionOf } from "./line.ts"

/** One of the agents, as all sessions share it. */
export interface Upstream {
  readonly name: string
  /** A connection for one session alone; fails at once where one has just failed. */
  readonly connect: Effect.Effect<AgentConnection, NoAgent>
  /** The version that it said last. */
  readonly version: () => string | undefined
  /** It takes too long: nobody else is to wait for it, for a while. */
  readonly slow: () => void
  /** A session that has used it is over: another one may be near. */
  readonly ended: () => void
}

const RESET = Buffer.from("RESET\n")
const quiet: Listening = { status: [], live: () => {} }

export class Sub {
  connection: AgentConnection | undefined
  readonly upstream: Upstream
  /** The session's options, which all of its agents are given, in the order in which they were set first. */
  private readonly options: ReadonlyMap<string, Buffer>
  private readonly applied = new Map<string, Buffer>()
  private needsReset = false

  constructor(upstream: Upstream, options: ReadonlyMap<string, Buffer>, connection: AgentConnection | undefined) {
    this.upstream = upstream
    this.options = options
    this.connection = connection
  }

  get version(): string | undefined {
    return this.connection?.version ?? this.upstream.version()
  }

  /** Whether a connection is there still. */
  get isOpen(): boolean {
    return this.connection?.closed === false
  }

  /** What was chosen is to be forgotten before the next command. */
  reset(): void {
    this.needsReset = this.isOpen
  }

  open(): Effect.Effect<AgentConnection, NoAgent> {
    return Effect.suspend(() => {
      if (this.connection?.closed === false) return Effect.succeed(this.connection)
      this.applied.clear()
      this.needsReset = false
      return Effect.tap(this.upstream.connect, (connection) =>
        Effect.sync(() => {
          this.connection = connection
        }))
    })
  }

  /**
   * Sends a command, behind the lines that it needs. With `apart` these have to be right before it is sent, because what it changes
   * cannot be thrown away.
   */
  ask(
    setters: ReadonlyArray<Buffer>,
    apart: boolean,
    last: Buffer,
    listening: Listening
  ): Effect.Effect<Answer, NoAgent> {
    return Effect.flatMap(this.open(), (connection) => {
      const before = [...this.missing(last), ...setters]
      const send = (lines: ReadonlyArray<Buffer>, heard: Listening) => connection.exchange(lines, lines.length, heard)
      if (!apart || before.length === 0) return send([...before, last], listening)
      return Effect.flatMap(
        send(before, quiet),
        (brought) => brought.kind === "done" && brought.ok ? send([last], listening) : Effect.succeed(brought)
      )
    })
  }

  /** The same, for an agent that others are not to wait for long: within so many milliseconds, or it is given up for a while. */
  askInTime(duration: number, last: Buffer, listening: Listening): Effect.Effect<Answer | undefined> {
    return this.ask([], false, last, listening).pipe(
      Effect.onInterrupt(() => Effect.sync(() => this.drop())),
      Effect.timeoutOrElse({ duration, orElse: () => Effect.sync(() => void this.upstream.slow()) }),
      Effect.catch(() => Effect.succeed(undefined))
    )
  }

  /** Ends it: the next that is asked of this agent has a fresh connection. */
  drop(): void {
    this.connection?.close()
    this.connection = undefined
  }

  /** The session is over. */
  end(): void {
    const used = this.connection !== undefined
    this.drop()
    if (used) this.upstream.ended()
  }

  /** The lines that bring the agent up to the session, ahead of a line that may be an option itself. */
  private missing(last: Buffer): Array<Buffer> {
    const lines: Array<Buffer> = []
    if (this.needsReset) lines.push(RESET)
    this.needsReset = false
    const itself = optionOf(last)
    for (const [name, line] of this.options) {
      if (name === itself || this.applied.get(name)?.equals(line) === true) continue
      this.applied.set(name, line)
      lines.push(line)
    }
    if (itself !== undefined) this.applied.set(itself, Buffer.from(last))
    return lines
  }
}
