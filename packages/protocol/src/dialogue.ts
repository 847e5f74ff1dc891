// Whose turn it is between a client and a server, seen from either side or from outside. Lines go in, parsed lines come
// out, and a line out of turn is a violation. Several commands may be under way at once, each with one reply.
import { type AnswerLine, parseAnswerLine } from "./answer.ts"
import { parseReply, type Reply } from "./reply.ts"
import { parseRequest, type Request } from "./request.ts"

/**
 * `greeting`: the server has to speak first. `idle`: the client may. `busy`: a reply is awaited. `inquiry`: the server
 * has asked, and the client's lines are its answer. `over`: somebody broke the rules.
 */
export type Turn = "greeting" | "idle" | "busy" | "inquiry" | "over"

/** The state of one connection. */
export class Dialogue {
  turn: Turn = "greeting"
  /** Commands that have been sent and not yet answered. */
  outstanding = 0

  /** A client's line: a request between two commands, a line of an answer inside an inquiry, `undefined` out of turn. */
  client(line: Buffer): Request | AnswerLine | undefined {
    if (this.turn === "inquiry") {
      const answer = parseAnswerLine(line)
      if (answer.kind === "end" || answer.kind === "cancel") this.turn = "busy"
      if (answer.kind === "violation") this.turn = "over"
      return answer
    }
    if (this.turn !== "idle") return undefined
    const request = parseRequest(line)
    if (request.kind === "violation") this.turn = "over"
    else if (request.kind !== "ignore") this.sent(1)
    return request
  }

  /** `count` commands have been sent together. Only from `idle`: what follows a command waits for its reply. */
  sent(count: number): void {
    this.outstanding += count
    this.turn = "busy"
  }

  /** The answer to an inquiry has been sent. */
  answered(): void {
    this.turn = "busy"
  }

  /** A server's line; `undefined` for one that no server may send, now or ever. */
  server(line: Buffer): Reply | undefined {
    const reply = parseReply(line)
    if (reply === undefined) return this.broken()
    if (reply.kind === "comment") return reply
    if (this.turn === "greeting") {
      if (reply.kind !== "ok" && reply.kind !== "err") return this.broken()
      this.turn = reply.kind === "ok" ? "idle" : "over"
      return reply
    }
    if (this.turn !== "busy") return this.broken()
    if (reply.kind === "inquire") this.turn = "inquiry"
    else if (reply.kind === "ok" || reply.kind === "err") {
      this.outstanding--
      if (this.outstanding === 0) this.turn = "idle"
    }
    return reply
  }

  private broken(): undefined {
    this.turn = "over"
    return undefined
  }
}
