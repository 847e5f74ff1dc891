// One connection of the fake agent: it obeys one line after the other, whenever they came, and collects the answers to its
// inquiries the way libassuan's server does (assuan-handler.c process_request, assuan-inquire.c).
import type { Socket } from "node:net"
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises"
import { lineData } from "../assuan-data.ts"
import { lineSource } from "./line-source.ts"
import type { FakeAnswer, FakeConnection } from "./record.ts"
import { type Handler, type Inquiry, type Reply, wireBytes } from "./reply.ts"
import { type Split, writeSplit } from "./writer.ts"

export interface ConnectionOptions {
  readonly number: number
  readonly keys: ReadonlyArray<string> | undefined
  readonly split: Split
  readonly greeting: Reply
  /** The handler of a command word in upper case, known or not. */
  readonly find: (word: string) => Handler
  /** Called whenever something was received or has ended. */
  readonly changed: () => void
}

const CANCELLED: Reply = ["ERR 67109141 IPC call has been cancelled <GPG Agent>"]
const TOO_MUCH: Reply = ["ERR 67109137 Too much data for IPC layer <GPG Agent>"]
const UNEXPECTED: Reply = ["ERR 67109138 Unexpected IPC command <GPG Agent>"]
const LEADING_BLANK: Reply = ["ERR 67109140 IPC syntax error <GPG Agent> - leading white-space"]

/** Serves one connection until it ends. A handler that throws ends it, and is a hazard. */
export const serveConnection = (socket: Socket, options: ConnectionOptions): FakeConnection => {
  const { changed, find, keys, number, split } = options
  const commands: Array<string> = []
  const answers: Array<FakeAnswer> = []
  const hazards: Array<string> = []
  const hazard = (what: string) => {
    hazards.push(what)
    changed()
  }
  const source = lineSource(socket, changed, hazard)
  const gone = new AbortController()
  socket.once("close", () => gone.abort())
  const connection: FakeConnection = {
    number,
    keys,
    received: source.received,
    lines: () => {
      const lines = source.received().toString("latin1").split("\n")
      return lines.slice(0, -1).map((line) => Buffer.from(line, "latin1"))
    },
    commands,
    answers,
    hazards,
    ended: source.ended,
    closed: source.closed,
    destroy: () => void socket.destroy()
  }

  /** Reads lines up to END or CAN. What it returns is a reply if the client did neither. */
  const collect = async (
    { inquire }: Inquiry
  ): Promise<Buffer | "cancelled" | { readonly reply: Reply } | undefined> => {
    const data: Array<Buffer> = []
    for (;;) {
      const line = await source.next()
      if (line === undefined) return undefined
      const text = line.toString("latin1")
      if (text === "" || text.startsWith("#")) continue
      // assuan_inquire takes `END junk` for the end, and whatever begins with CAN for a cancel
      if (/^end( |$)/i.test(text)) return Buffer.concat(data)
      if (/^can/i.test(text)) return "cancelled"
      if (!/^d /i.test(text)) {
        // the inquiry is over, and the client's END will be a command: its replies are off by one from here on
        hazard(`a line inside the inquiry ${inquire}: ${JSON.stringify(text)}`)
        return { reply: UNEXPECTED }
      }
      if (text.replaceAll(/%../gs, "").includes("%")) {
        // assuan_inquire is in an endless loop now, and the real agent serves none of its clients any more
        hazard(`a percent sign at the end of a data line: ${JSON.stringify(text)}`)
        return { reply: "hang" }
      }
      // decoded to garbage by the real one
      if (/%(?![0-9a-f]{2})/i.test(text)) hazard(`a bad escape: ${JSON.stringify(text)}`)
      data.push(lineData(Buffer.concat([Buffer.from("D"), line.subarray(1)]))!)
    }
  }

  // Each of these returns whether the connection goes on.
  const write = (lines: ReadonlyArray<string | Buffer>) => writeSplit(socket, wireBytes(lines), split)
  const ask = async (inquiry: Inquiry): Promise<boolean> => {
    const limit = inquiry.maxlen === undefined ? [] : [`S INQUIRE_MAXLEN ${inquiry.maxlen}`]
    if (!await write([...inquiry.before ?? [], ...limit, `INQUIRE ${inquiry.inquire}`])) return false
    const answer = await collect(inquiry)
    if (answer === undefined) return false
    if (answer !== "cancelled" && "reply" in answer) return perform(answer.reply)
    const data = answer === "cancelled" ? undefined : answer
    answers.push({ inquire: inquiry.inquire, data })
    changed()
    // too long an answer is read to its END first, and refused then
    if (data === undefined) {
      const { cancelled = CANCELLED } = inquiry
      return perform(typeof cancelled === "function" ? await cancelled() : cancelled)
    }
    return perform(data.length > (inquiry.maxlen ?? Infinity) ? TOO_MUCH : await inquiry.next(data))
  }
  const repeat = async (line: Buffer): Promise<boolean> => {
    while (await writeSplit(socket, line, split)) await turn()
    return false
  }
  const wait = (ms: number) => sleep(ms, true, { signal: gone.signal }).catch(() => false)
  const perform = async (reply: Reply): Promise<boolean> => {
    if (reply === "hang") await source.ended
    if (reply === "hang" || reply === "close") return false
    if ("inquire" in reply) return ask(reply)
    if ("endless" in reply) return repeat(wireBytes([reply.endless]))
    if ("bytes" in reply) return await writeSplit(socket, reply.bytes, split) && !reply.thenClose
    if ("afterMs" in reply) return await wait(reply.afterMs) && perform(reply.reply)
    return write(reply)
  }
  const obey = async (line: Buffer): Promise<boolean> => {
    const text = line.toString("latin1")
    if (text === "" || text.startsWith("#")) return true
    commands.push(text)
    changed()
    // the real one handles C strings and would see only what is before it
    if (text.includes("\0")) hazard(`NUL in a command line: ${JSON.stringify(text)}`)
    const word = /^[^ \t\0]*/.exec(text)![0].toUpperCase()
    if (word === "") return perform(LEADING_BLANK)
    const handler = find(word)
    return perform(typeof handler === "function" ? await handler(line, connection) : handler)
  }
  const serve = async () => {
    let goesOn = await perform(options.greeting)
    while (goesOn) {
      const line = await source.next()
      goesOn = line !== undefined && await obey(line)
    }
    socket.end()
  }
  serve().catch((error: unknown) => {
    hazard(`a handler of the test failed: ${String(error)}`)
    socket.destroy()
  })
  return connection
}
