// What gpg 2.4 and 2.5 say when they list keys, replayed through a gate to an app that sees some of the keys, before an agent
// that answers as recorded: hidden keys are missing from the lists, not found when they are asked for, and nothing else is
// different. Lists are cut into lines as they come, so that a keygrip may begin in one line and end in the next.
import { assert, describe, it } from "@effect/vitest"
import { replyData } from "@gripgate/testkit/assuan-data"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import type { Split } from "@gripgate/testkit/fake-agent/writer"
import type { RawClient } from "@gripgate/testkit/raw-client"
import type { Transcript } from "@gripgate/testkit/transcript"
import * as fc from "fast-check"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { outcome } from "../support/wire.ts"
import { transcripts } from "./recorded.ts"

const NOT_FOUND = /^ERR 67108891 Not found <GPG Agent>/
const GRIP = 20

const policyFor = (visible: ReadonlyArray<string>): string =>
  [
    "default = \"allow\"",
    "[apps.mail]",
    "socket = \"mail\"",
    `keys = [${visible.map((grip) => `"grip:${grip}"`).join(", ")}]`,
    "[anyone]",
    "keys = []",
    ""
  ].join("\n")

const gateBefore = (agent: FakeAgent, visible: ReadonlyArray<string>): Promise<TestGate> =>
  startTestGate({ agent: agent.socket, policy: policyFor(visible), apps: ["mail"] })

/** Bytes of 20 each as keygrips. */
const gripsOf = (data: Buffer): ReadonlyArray<string> => {
  assert.strictEqual(data.length % GRIP, 0, "whole keygrips")
  return Array.from(
    { length: data.length / GRIP },
    (_, index) => data.subarray(index * GRIP, (index + 1) * GRIP).toString("hex").toUpperCase()
  )
}

/** One line of the client with the agent's reply to it. */
interface Exchange {
  readonly line: string
  readonly reply: ReadonlyArray<Buffer>
}

const isFinal = (line: Buffer): boolean => /^(?:OK|ERR|INQUIRE)(?: |$)/.test(line.toString("latin1"))

/** A recorded connection without its greeting. */
const exchangesOf = ({ connections }: Transcript): ReadonlyArray<Exchange> => {
  const found: Array<{ line: string; reply: Array<Buffer> }> = []
  for (const { bytes, from } of connections[0]!.lines.slice(1)) {
    if (from === "client") found.push({ line: bytes.toString("latin1"), reply: [] })
    else found.at(-1)!.reply.push(bytes)
  }
  for (const { line, reply } of found) {
    assert.strictEqual(reply.findIndex(isFinal), reply.length - 1, `one reply to ${line}, and no question`)
  }
  return found
}

const listed = (exchanges: ReadonlyArray<Exchange>): ReadonlyArray<string> => {
  const list = exchanges.find(({ line }) => line.startsWith("HAVEKEY --list"))
  assert.isDefined(list)
  return gripsOf(replyData(list!.reply))
}

/** An agent that answers as recorded. It may be asked for the whole list where the client asked for so many keys. */
const startRecorded = (exchanges: ReadonlyArray<Exchange>, split: Split = "whole"): Promise<FakeAgent> => {
  const answers = new Map(exchanges.map(({ line, reply }) => [line.replace(/^(HAVEKEY --list)=\d+$/, "$1"), reply]))
  const recorded = (line: Buffer) =>
    answers.get(line.toString("latin1").replace(/^(HAVEKEY --list)=\d+$/, "$1")) ?? ["ERR 67108922 not recorded"]
  return startFakeAgent({ split, handlers: { GETINFO: recorded, HAVEKEY: recorded, KEYINFO: recorded } })
}

const texts = (lines: ReadonlyArray<Buffer>): ReadonlyArray<string> => lines.map((line) => line.toString("latin1"))

/** The client's side once more; what comes back is held against the record. */
const replay = async (client: RawClient, exchanges: ReadonlyArray<Exchange>, visible: ReadonlyArray<string>) => {
  const seen = { hidden: 0, shown: 0 }
  for (const { line, reply } of exchanges) {
    const heard = await client.command(line)
    const asked = /^KEYINFO (?:.* )?([0-9A-F]{40})$/.exec(line)?.[1]
    if (line.startsWith("HAVEKEY --list")) {
      const expected = gripsOf(replyData(reply)).filter((grip) => visible.includes(grip))
      assert.deepStrictEqual(gripsOf(heard.data), expected)
      assert.strictEqual(heard.last, "OK")
      assert.isTrue(heard.lines.slice(0, -1).every((each) => each.toString("latin1").startsWith("D ")))
    } else if (asked !== undefined && !visible.includes(asked)) {
      seen.hidden++
      assert.strictEqual(heard.lines.length, 1, line)
      assert.match(heard.last, NOT_FOUND)
    } else {
      if (asked !== undefined) seen.shown++
      assert.deepStrictEqual(texts(heard.lines), texts(reply), line)
    }
  }
  return seen
}

/** Every way to choose some of a few. */
const choices = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_, index) => (bits >> index & 1) === 1))

const lists = transcripts.filter(([name]) => /^v2[45]-list-/.test(name))

describe("a recorded listing", () => {
  it("there is one of 2.4 and one of 2.5", () => {
    const versions = lists.map(([name]) => name.slice(0, 3))
    assert.includeMembers(versions, ["v24", "v25"])
  })

  for (const [name, transcript] of lists) {
    const exchanges = exchangesOf(transcript)
    const keys = listed(exchanges)

    it(`${name}: lacks the keys that are hidden, whichever they are, and nothing else`, async () => {
      assert.strictEqual(keys.length, 4)
      await using agent = await startRecorded(exchanges)
      for (const visible of choices(keys)) {
        await using gate = await gateBefore(agent, visible)
        await using client = await gate.client("mail")
        const seen = await replay(client, exchanges, visible)
        assert.deepStrictEqual(seen, { hidden: keys.length - visible.length, shown: visible.length })
      }
      const asked = agent.commands().filter((line) => /^(?:HAVEKEY|KEYINFO) /.test(line))
      assert.include(asked, `KEYINFO ${keys[0]}`)
    })

    it(`${name}: and the agent is not asked about a hidden one`, async () => {
      await using agent = await startRecorded(exchanges)
      await using gate = await gateBefore(agent, keys.slice(0, 1))
      await using client = await gate.client("mail")
      await replay(client, exchanges, keys.slice(0, 1))
      const sent = agent.commands().join("\n")
      for (const hidden of keys.slice(1)) assert.notInclude(sent, hidden)
    })

    for (const split of ["lines", "lineThenLf", "bytes"] as const) {
      it(`${name}: however the agent writes: ${split}`, async () => {
        await using agent = await startRecorded(exchanges, split)
        await using gate = await gateBefore(agent, keys.slice(1, 3))
        await using client = await gate.client("mail")
        assert.deepStrictEqual(await replay(client, exchanges, keys.slice(1, 3)), { hidden: 2, shown: 2 })
      })
    }

    it(`${name}: to whoever is no app there is no key at all`, async () => {
      await using agent = await startRecorded(exchanges)
      await using gate = await gateBefore(agent, keys)
      await using client = await gate.client()
      assert.deepStrictEqual(await replay(client, exchanges, []), { hidden: keys.length, shown: 0 })
    })
  }
})

// Bytes that have to be escaped, that end a line, and that look like lines of their own.
const awkward = fc.constantFrom(0x25, 0x0a, 0x0d, 0x00, 0xff, 0x20, 0x44, 0x53, 0x4f, 0x4b, 0x32, 0x35)
const grip = fc.array(fc.oneof(awkward, fc.integer({ min: 0, max: 255 })), { minLength: GRIP, maxLength: GRIP })
  .map((bytes) => Buffer.from(bytes).toString("hex").toUpperCase())

/** The keys of the app: percent signs and ends of lines, lines of the protocol, and both ends of what a byte can be. */
const mine: ReadonlyArray<string> = [
  Buffer.from("%25\n%0A\r\nOK\n%%%\r25%0"),
  Buffer.from("\nERR 1\nD x\nS KEYINF\n"),
  Buffer.from("00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff", "hex")
].map((bytes) => bytes.toString("hex").toUpperCase())

/** Hidden keys with those of the app somewhere among them. */
const keysOfAgent = fc.tuple(
  fc.uniqueArray(grip, { maxLength: 70 }),
  fc.subarray([...mine]),
  fc.infiniteStream(fc.nat())
)
  .map(([hidden, own, places]) => {
    const keys = hidden.filter((each) => !mine.includes(each))
    for (const each of own) keys.splice(places.next().value! % (keys.length + 1), 0, each)
    return keys
  })

const escaped = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`

/** Where lines are cut, and what is escaped that need not be: both again and again from the beginning. */
interface Cuts {
  readonly lengths: ReadonlyArray<number>
  readonly escapes: ReadonlyArray<boolean>
}

const cuts: fc.Arbitrary<Cuts> = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 12 }),
  escapes: fc.array(fc.boolean(), { minLength: 1, maxLength: 12 })
})

/** D lines of so many bytes of data each. An escape is never cut in two: libassuan does not do that either. */
const cutLines = (data: Buffer, { escapes, lengths }: Cuts): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (let at = 0; at < data.length;) {
    const piece = data.subarray(at, at + lengths[lines.length % lengths.length]!)
    const text = [...piece].map((byte, index) =>
      byte === 0x25 || byte === 0x0a || byte === 0x0d || escapes[(at + index) % escapes.length]!
        ? escaped(byte)
        : String.fromCharCode(byte)
    )
    lines.push(`D ${text.join("")}`)
    at += piece.length
  }
  return lines
}

const withGate = async (use: (agent: FakeAgent, client: RawClient) => Promise<void>): Promise<void> => {
  await using agent = await startFakeAgent({ keys: mine })
  await using gate = await gateBefore(agent, mine)
  await using client = await gate.client("mail")
  await use(agent, client)
}

const assertLines = (lines: ReadonlyArray<Buffer>): void => {
  for (const line of lines) assert.isAtMost(line.length, 1000)
}

describe("a list that is cut anywhere", () => {
  it("HAVEKEY --list: has the visible keys, in the agent's order", () =>
    withGate((agent, client) =>
      fc.assert(
        fc.asyncProperty(keysOfAgent, cuts, async (keys, cuts) => {
          agent.handle("HAVEKEY", [...cutLines(Buffer.from(keys.join(""), "hex"), cuts), "OK"])
          const heard = await client.command("HAVEKEY --list=1000")
          assertLines(heard.lines)
          assert.deepStrictEqual(gripsOf(heard.data), keys.filter((each) => mine.includes(each)))
          assert.strictEqual(heard.last, "OK")
        })
      )
    ))

  it("HAVEKEY --list=N: has the first N of them, and says if there are more of these", () =>
    withGate((agent, client) =>
      fc.assert(
        fc.asyncProperty(keysOfAgent, cuts, fc.integer({ min: 1, max: 4 }), async (keys, cuts, most) => {
          agent.handle("HAVEKEY", [...cutLines(Buffer.from(keys.join(""), "hex"), cuts), "OK"])
          const seen = keys.filter((each) => mine.includes(each))
          const heard = await client.command(`HAVEKEY --list=${most}`)
          assert.deepStrictEqual(gripsOf(heard.data), seen.slice(0, most))
          assert.strictEqual(outcome(heard), seen.length > most ? "ERR 67108938" : "OK")
        })
      )
    ))

  it("KEYINFO --list --data: has the lines of the visible keys", () =>
    withGate((agent, client) =>
      fc.assert(
        fc.asyncProperty(keysOfAgent, cuts, async (keys, cuts) => {
          const rows = (grips: ReadonlyArray<string>) =>
            grips.map((each) => `KEYINFO ${each} D - - - P - - -\n`).join("")
          agent.handle("KEYINFO", [...cutLines(Buffer.from(rows(keys)), cuts), "OK"])
          const heard = await client.command("KEYINFO --list --data")
          assertLines(heard.lines)
          assert.strictEqual(heard.data.toString("latin1"), rows(keys.filter((each) => mine.includes(each))))
          assert.strictEqual(heard.last, "OK")
        })
      )
    ))
})
