// What a fake agent may do in answer to a line: the right thing, or any of the wrong ones. Plain data, so that a test
// can read what will happen; connection.ts does it.
import type { FakeConnection } from "./record.ts"

/** One line without its LF; a string is latin1. It is not escaped: data goes through `dataLines` first. */
export type Line = string | Buffer

/** A question to the client, as libassuan's assuan_inquire puts it. */
export interface Inquiry {
  /** The keyword and its arguments: `CIPHERTEXT`, `CONFIRM 1`. */
  readonly inquire: string
  /** Announces this limit with `S INQUIRE_MAXLEN`; more is answered with ERR 67109137. */
  readonly maxlen?: number
  /** Lines before the question. */
  readonly before?: ReadonlyArray<Line>
  /** What happens when the client has answered with END. */
  readonly next: (answer: Buffer) => Reply | Promise<Reply>
  /** What happens when it has answered with CAN, or how to find it; ERR 67109141 where it is left out. */
  readonly cancelled?: Reply | (() => Promise<Reply>)
}

export type Reply =
  /** Whole lines. */
  | ReadonlyArray<Line>
  /** Nothing, until the client closes; further lines are recorded and not looked at. */
  | "hang"
  /** An orderly close. */
  | "close"
  | Inquiry
  /** Bytes as they are, LFs included. */
  | { readonly bytes: Buffer; readonly thenClose: boolean }
  /** This line again and again, until the client goes. */
  | { readonly endless: Line }
  /** A reply, after so many milliseconds. */
  | { readonly afterMs: number; readonly reply: Reply }

/** A reply, or how to find it. `line` is the whole command line without LF and CR. */
export type Handler = Reply | ((line: Buffer, connection: FakeConnection) => Reply | Promise<Reply>)

/** Handlers by command word, in upper case; the word is looked up whatever case the client wrote it in. */
export type Handlers = Readonly<Record<string, Handler>>

export const lineBytes = (line: Line): Buffer => typeof line === "string" ? Buffer.from(line, "latin1") : line

/** The lines as they go over the wire. */
export const wireBytes = (lines: ReadonlyArray<Line>): Buffer =>
  Buffer.concat(lines.flatMap((line) => [lineBytes(line), Buffer.from("\n")]))
