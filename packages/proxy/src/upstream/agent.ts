// What a session needs of an agent: one exchange at a time over one connection that is its own. The router says which
// agent; today there is one.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type * as Effect from "effect/Effect"
import type { Collector } from "./collector.ts"

/** No agent answers: not running, not greeting, or gone in the middle. */
export interface NoAgent {
  readonly _tag: "NoAgent"
  /** For the log. */
  readonly reason: string
}

export const noAgent = (reason: string): NoAgent => ({ _tag: "NoAgent", reason })

/** What an agent says to the lines it was sent. */
export type Answer =
  /** The last command is done; its lines are in the collector, the OK or ERR line from offset `finalAt` on. */
  | { readonly kind: "done"; readonly ok: boolean; readonly finalAt: number }
  /** The last command asks. `maxLength` is what the agent said about the answer, in bytes. */
  | {
    readonly kind: "inquire"
    readonly keyword: string
    /** What follows the keyword, cleaned: it is shown to a client. */
    readonly args: string
    readonly maxLength: number | undefined
    /** What the agent would show in a dialog of its own (S SETDESC), where it asks for a confirmation. */
    readonly shows: Buffer | undefined
  }
  /** A line before the last was refused: nothing of the result may be used, and the connection is closed. */
  | { readonly kind: "setter"; readonly error: Buffer }
  /** The connection is lost; it is closed. */
  | { readonly kind: "lost"; readonly reason: string }

/** Which lines of an answer are kept, and which are handed on at once. */
export interface Listening {
  /** Keywords of status lines that may pass; `"*"` for all. */
  readonly status: ReadonlyArray<string> | "*"
  /** The answers of all commands are wanted, not of the last alone. */
  readonly all?: true
  /** Status lines that are handed on while the command runs. */
  readonly live: (line: Buffer) => void
}

/** One connection to an agent, of one session. */
export interface AgentConnection {
  /** The agent's version, as it says itself. */
  readonly version: string
  /** Whether the agent restricts this connection by itself, as on its extra socket. */
  readonly restricted: boolean
  readonly closed: boolean
  /** What has been set over this connection: option lines by option. */
  readonly applied: Map<string, Buffer>
  /** A second key has been set and not been reset. */
  another: boolean
  /** The lines of the answer that may pass, as they will be sent. */
  readonly collected: Collector
  /** Sends `count` commands in one write and waits for the answer to the last. */
  exchange(lines: ReadonlyArray<Buffer>, count: number, listening: Listening): Effect.Effect<Answer>
  /**
   * Sends lines that only set state, between two exchanges, and waits for nothing: each has to be OK before the answer to
   * the next exchange counts.
   */
  ahead(lines: ReadonlyArray<Buffer>): void
  /** Sends an answer to an inquiry, whole, and waits for what follows. */
  answer(lines: Buffer): Effect.Effect<Answer>
  close(): void
}

/** A session that will want a connection. `met`: it has one now, or has ended without. */
export interface Expectation {
  readonly met: () => void
}

/** Which agent a command goes to, and connections to it. */
export interface Router {
  /** A connection for a session that needs one for this key, or for no key, if one is there already. */
  readonly ready: (keygrip: Keygrip | undefined) => AgentConnection | undefined
  /** The same, opened where none is. */
  readonly connect: (keygrip: Keygrip | undefined) => Effect.Effect<AgentConnection, NoAgent>
  /** The version of the agent at the other end of a connection that is ready; `undefined` where none is. */
  readonly readyVersion: () => string | undefined
  /** The version of the agent that answers for no key in particular. */
  readonly version: Effect.Effect<string, NoAgent>
  /** What the agent said last, without asking it; `undefined` before anybody did. */
  readonly lastVersion: () => string | undefined
  /** A session has begun: it will soon want a connection. */
  readonly expect: () => Expectation
  /** A session that used an agent has ended. */
  readonly ended: () => void
  /** The agent has been told to stop: nothing that is kept ready may keep it alive. */
  readonly forget: () => void
}
