// One random session, from its plan to its end. The model says when a reply is due; whatever comes too early, too late or too
// often is an error with everything in it that is needed to have the session again.
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { setImmediate as turn } from "node:timers/promises"
import { outcome } from "../support/wire.ts"
import { type Corpus, openings } from "./corpus.ts"
import { Model } from "./model.ts"
import { mutate, randomLine } from "./mutate.ts"
import { type Random, random } from "./random.ts"

const LF = Buffer.from("\n")
const CAN = [Buffer.from("CAN")]

interface Plan {
  /** Lines, or what were lines once; each is followed by an LF as a rule. */
  readonly lines: ReadonlyArray<Buffer>
  /** Everything in one write, answers included, in place of one after the other. */
  readonly pipelined: boolean
  /** In how many bytes at a time. */
  readonly chunk: number
  /** Whether the client just goes away at the end, unread replies or not. */
  readonly vanishes: boolean
}

/** A session gets no longer than this: what is sent early is bounded, and a breach of that bound depends on time. */
const MAX_BYTES = 40_000

const spoil = (line: Buffer, random: Random, corpus: Corpus): Buffer =>
  random.chance(0.7) ? mutate(line, random, corpus) : randomLine(line, random, corpus)

const planOf = (random: Random, corpus: Corpus): Plan => {
  const opening = random.pick(openings)
  const pipelined = random.chance(0.15)
  // most sessions begin with something that asks, so that what is spoiled comes behind it
  const begin = random.chance(0.75) ? [...opening.commands, ...pipelined ? opening.answer : []] : []
  const dialogue = random.pick(corpus.dialogues)
  const from = random.int(dialogue.length)
  const length = 1 + random.int(12)
  const rest = random.chance(0.7)
    ? dialogue.slice(from, from + length)
    : Array.from({ length }, () => random.pick([random.pick(corpus.lines), ...random.pick(openings).commands]))
  const faults = random.pick([0.05, 0.3, 1])
  const lines = [...begin, ...rest.map((line) => random.chance(faults) ? spoil(line, random, corpus) : line)]
  let bytes = 0
  return {
    lines: lines.filter((line) => (bytes += line.length) < MAX_BYTES),
    pipelined,
    chunk: random.pick([1, 7, 64, 4_096, 100_000, 100_000, 100_000]),
    vanishes: random.chance(0.05)
  }
}

/** What is said to an inquiry: what belongs there, something recorded for another, or something spoiled. */
const answerTo = (keyword: string, first: boolean, random: Random, corpus: Corpus): ReadonlyArray<Buffer> => {
  const known = corpus.answers.get(keyword)
  const good = known !== undefined && random.chance(0.5)
    ? random.pick(known)
    : openings.find(({ answer }) => keyword === "CIPHERTEXT" || answer.length > 2)!.answer
  if (first || random.chance(0.6)) return good
  if (random.chance(0.2)) return CAN
  return good.map((line) => random.chance(0.5) ? spoil(line, random, corpus) : line)
}

export interface Outcome {
  /** Inquiries that were answered, and whose reply came. */
  readonly passed: number
  readonly replies: number
}

/** Milliseconds in which a reply must come, on a machine that does other things as well. */
const PATIENCE = 20_000

/** Runs a session against a gate. Throws an Error with the seed and both sides' bytes where the rules are broken. */
export const runSession = async (socket: string, seed: number, corpus: Corpus): Promise<Outcome> => {
  const luck = random(seed)
  const plan = planOf(luck, corpus)
  const model = new Model()
  const sent: Array<Buffer> = []
  const client = await connectRaw(socket)
  let replies = 0
  try {
    if (outcome(await client.readReply(PATIENCE)) !== "OK") throw new Error("expected a greeting that says OK")
    const send = async (bytes: Buffer): Promise<void> => {
      sent.push(bytes)
      model.sent(bytes)
      // one byte at a time only where it is not too many
      const chunk = Math.max(plan.chunk, Math.ceil(bytes.length / 300))
      for (let at = 0; at < bytes.length; at += chunk) {
        if (at > 0) await turn()
        client.send(bytes.subarray(at, at + chunk))
      }
    }
    const read = async (): Promise<string> => {
      const reply = await client.readReply(PATIENCE)
      const word = outcome(reply)
      replies++
      const wrong = model.replied(word) ?? reply.lines.map(strange).find((fault) => fault !== undefined)
      if (wrong !== undefined) throw new Error(wrong)
      return word
    }
    /** Reads all replies that are due, and answers what is asked. */
    const settle = async (): Promise<void> => {
      while (model.state === "awaiting") {
        const word = await read()
        if (!word.startsWith("INQUIRE ") || !model.asked) continue
        const keyword = word.slice("INQUIRE ".length)
        const answer = answerTo(keyword, model.passed === 0, luck, corpus)
        await send(Buffer.concat(answer.flatMap((line) => [line, LF])))
        // a spoiled answer may have no end
        if (model.asked) await send(Buffer.from(luck.chance(0.5) ? "\nEND\n" : "\nCANDY\n"))
      }
    }
    if (plan.pipelined) await send(Buffer.concat(plan.lines.flatMap((line) => [line, LF])))
    else {
      for (const line of plan.lines) {
        await send(luck.chance(0.98) ? Buffer.concat([line, LF]) : line)
        await settle()
        if (model.state === "over") break
      }
    }
    if (plan.vanishes) return { passed: model.passed, replies }
    await settle()
    model.end()
    client.end()
    while (model.state === "awaiting") await read()
    await assertOver(client)
    return { passed: model.passed, replies }
  } catch (error) {
    const got = JSON.stringify(client.received().toString("latin1").slice(-2_000))
    const said = JSON.stringify(Buffer.concat(sent).toString("latin1").slice(-2_000))
    throw new Error(`seed ${seed}: ${String(error)}\n(${model.state}) sent ${said}\nand got ${got}`, { cause: error })
  } finally {
    await client.close()
  }
}

/** No reply may be left, and no half of one. */
const assertOver = async (client: RawClient): Promise<void> => {
  const more = await client.readLine(PATIENCE).then(
    (line) => `a further line: ${line}`,
    (error: Error) => error.message
  )
  if (!more.includes("the connection was closed (end), 0 bytes")) throw new Error(more)
}

/** What no server says: a line that is too long, or none of Assuan's. */
const strange = (line: Buffer): string | undefined => {
  if (line.length > 1000) return `a line of ${line.length} bytes`
  return /^(?:OK|ERR|S|D|INQUIRE)(?: |$)|^#/.test(line.toString("latin1")) ? undefined : `a strange line: ${line}`
}
