// What is said in a session, kept byte for byte, so that two sessions can be compared. Questions are answered with CAN, but for
// those of a passphrase: who does not answer these has to wait before long.
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import type { Probe } from "./probes.ts"

/** Waiting for each reply, or everything in one write with the writing side closed behind it. */
export type Manner = "line by line" | "pipelined"

/** What was sent, and all that came back, as latin1 text. */
export interface Said {
  readonly lines: string
  readonly reply: string
}

const lineByLine = async (client: RawClient, lines: ReadonlyArray<string>): Promise<string> => {
  const reply: Array<Buffer> = []
  for (const line of lines) {
    let heard = await client.command(line)
    reply.push(...heard.lines)
    while (heard.last.startsWith("INQUIRE ")) {
      const isPassphrase = heard.last.startsWith("INQUIRE PASSPHRASE")
      heard = await (isPassphrase ? client.answer(PASSPHRASE) : client.command("CAN"))
      reply.push(...heard.lines)
    }
  }
  return reply.map((line) => `${line.toString("latin1")}\n`).join("")
}

const PASSPHRASE = Buffer.from("abc")

/** An answer to the first question of a command that asks one. */
const answerTo = (line: string): string => /^PKDECRYPT\b/i.test(line) ? "CAN" : `D ${PASSPHRASE}\nEND`

// an answer where nobody asked is a command that nobody knows, and is answered as such
const pipelined = async (client: RawClient, lines: ReadonlyArray<string>): Promise<string> => {
  client.send(`${lines.map((line) => `${line}\n${answerTo(line)}\n`).join("")}BYE\n`)
  client.end()
  await client.closed
  return client.received().toString("latin1")
}

/** Says each probe in a session of its own, `first` before it. */
export const talk = async (
  socket: string,
  probes: ReadonlyArray<Probe>,
  manner: Manner,
  first: ReadonlyArray<string> = []
): Promise<ReadonlyArray<Said>> => {
  const said: Array<Said> = []
  for (const probe of probes) {
    await using client = await connectRaw(socket)
    if (manner === "line by line") await client.readReply()
    const lines = [...first, ...probe]
    const reply = await (manner === "pipelined" ? pipelined : lineByLine)(client, lines)
    said.push({ lines: lines.join("\n"), reply })
  }
  return said
}

/** The same with a word in the place of a keygrip, in whichever case it stands. */
export const unnamed = (said: ReadonlyArray<Said>, keygrip: string): ReadonlyArray<Said> => {
  const without = (text: string) => text.replaceAll(keygrip, "KEY").replaceAll(keygrip.toLowerCase(), "key")
  return said.map(({ lines, reply }) => ({ lines: without(lines), reply: without(reply) }))
}
