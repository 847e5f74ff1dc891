// The fake agent: that it takes lines as the real one does, held against the real one, and that it writes down all it gets.
import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { makeClientHome } from "../src/client-home.ts"
import { startFakeAgent } from "../src/fake-agent.ts"
import { cannedPlaintext, cannedSignature } from "../src/fake-agent/defaults.ts"
import { makeHomedir } from "../src/homedir.ts"
import { importKey } from "../src/keys.ts"
import { connectRaw, type RawClient } from "../src/raw-client.ts"

const greeted = async (socket: string): Promise<RawClient> => {
  const client = await connectRaw(socket)
  await client.readReply()
  return client
}

const GRIP = "6668DBF0881196C1F96D04D5277813108A8AE825"
const ABSENT = "0".repeat(40)

/** Bytes sent, and how many replies to read. Only first words and error numbers are compared. */
const dialogues: ReadonlyArray<readonly [title: string, bytes: string, replies: number]> = [
  ["commands in any case, comments, empty lines, CR", "nop\n# x\n\nReSeT\r\nNOP\n", 3],
  ["a leading blank, an unknown command, END and D outside an inquiry", " NOP\nNOSUCH a\nd x\n", 3],
  [
    "keys that exist and keys that do not",
    `HAVEKEY ${GRIP}\nHAVEKEY ${ABSENT}\nHAVEKEY ${ABSENT} ${GRIP.toLowerCase()}\n`,
    3
  ],
  ["what is known of a key", `KEYINFO ${GRIP.toLowerCase()}\nKEYINFO ${ABSENT}\nKEYINFO --list\n`, 3],
  ["GETINFO", "GETINFO version\nGETINFO nosuch\nGETINFO restricted\nGETINFO version \n", 4],
  ["a cancelled inquiry, cancelled as loosely as libassuan allows", `SETKEY ${GRIP}\nPKDECRYPT\nCANDY\nNOP\n`, 4],
  ["a command inside an inquiry, after which the replies are off by one", `SETKEY ${GRIP}\nPKDECRYPT\nNOP\nNOP\n`, 4],
  ["ENDX is no END", `SETKEY ${GRIP}\nPKDECRYPT\nENDX\nNOP\n`, 4],
  [
    "comments and empty lines inside an answer that is too long",
    `SETKEY ${GRIP}\nPKDECRYPT\n# x\n\n${`D ${"A".repeat(900)}\n`.repeat(5)}END\nNOP\n`,
    4
  ],
  ["a line of 1001 bytes", `NOP ${"A".repeat(997)}\nNOP\n`, 2],
  ["a reply after the writing side was closed", "NOP\nBYE\n", 2]
]

const replay = async (socket: string, bytes: string, replies: number): Promise<ReadonlyArray<string>> => {
  await using client = await greeted(socket)
  client.send(bytes)
  if (bytes.endsWith("BYE\n")) client.end()
  const seen: Array<string> = []
  for (let i = 0; i < replies; i++) {
    const { lines } = await client.readReply()
    seen.push(...lines.map((line) => line.toString().split(" ").slice(0, 2).join(" ").replace(/^D .*/, "D")))
  }
  return seen
}

describe("the fake agent takes lines as gpg-agent does", () => {
  for (const [title, bytes, replies] of dialogues) {
    it(`${title}`, async () => {
      await using home = await makeHomedir()
      const { keygrips } = await importKey(home, "plain")
      await using agent = await startFakeAgent({ keys: [keygrips.primary, GRIP] })
      const real = await replay(await home.agentSocket(), bytes, replies)
      assert.deepEqual(await replay(agent.socket, bytes, replies), real)
    })
  }

  it("too long a line ends the connection without an ERR", async () => {
    await using home = await makeHomedir()
    await home.launchAgent()
    await using agent = await startFakeAgent()
    for (const socket of [await home.agentSocket(), agent.socket]) {
      await using client = await greeted(socket)
      client.send(`NOP ${"A".repeat(998)}\nNOP\n`)
      await client.closed
      assert.notInclude(client.received().toString(), "ERR")
      assert.strictEqual(client.received().toString().split("\n").length, 2, "the greeting and nothing else")
    }
    assert.deepEqual(agent.hazards(), ["a line of more than 1001 bytes"])
  })
})

describe("the fake agent", () => {
  it("serves gpg through a redirect file and writes down every byte", async () => {
    await using home = await makeHomedir()
    const key = await importKey(home, "plain")
    await using agent = await startFakeAgent({ split: "bytes" })
    await using client = await makeClientHome({ owner: home, socket: agent.socket })
    const listed = await client.gpg(["--with-colons", "-K"])
    assert.include(listed.stdout.toString(), key.fingerprint)
    assert.strictEqual(agent.connections.length, 1)
    const [connection] = agent.connections
    await connection!.closed
    const commands = agent.commands()
    assert.deepEqual(commands.slice(0, 1), ["RESET"])
    assert.include(commands, "GETINFO version")
    assert.isTrue(commands.some((line) => line.startsWith("HAVEKEY") && line.includes(key.keygrips.primary)))
    assert.strictEqual(connection!.received().toString(), commands.map((line) => `${line}\n`).join(""))
    assert.deepEqual(agent.hazards(), [])
  })

  it("gives gpg a signature and a session key that arrive byte for byte", async () => {
    for (const split of ["whole", "lines", "lineThenLf", "bytes"] as const) {
      await using agent = await startFakeAgent({ split })
      await using client = await greeted(agent.socket)
      assert.deepEqual((await client.command("PKSIGN")).data, cannedSignature)
      const question = await client.command("PKDECRYPT")
      assert.deepEqual([question.status, question.last], [["INQUIRE_MAXLEN 4096"], "INQUIRE CIPHERTEXT"])
      const ciphertext = Buffer.from(Array.from({ length: 3_000 }, (_, i) => i % 256))
      assert.deepEqual((await client.answer(ciphertext)).data, cannedPlaintext)
      assert.deepEqual(agent.connections[0]!.answers, [{ inquire: "CIPHERTEXT", data: ciphertext }])
    }
  })

  it("follows the test's own handlers: by line, by connection, with questions one after the other", async () => {
    await using agent = await startFakeAgent({
      handlers: {
        PKSIGN: {
          inquire: "PINENTRY_LAUNCHED 1 x",
          next: () => ({ inquire: "PASSPHRASE", maxlen: 255, before: ["S X"], next: (pass) => [`D ${pass}!`, "OK"] }),
          cancelled: ["ERR 1 no"]
        },
        ECHO: (line, { number }) => [`D ${number} ${line}`, "OK"]
      }
    })
    await using one = await greeted(agent.socket)
    await using two = await greeted(agent.socket)
    assert.strictEqual((await two.command("echo me")).data.toString(), "2 echo me")
    assert.strictEqual((await one.command("PKSIGN")).last, "INQUIRE PINENTRY_LAUNCHED 1 x")
    assert.deepEqual((await one.command("END")).lines.map(String), [
      "S X",
      "S INQUIRE_MAXLEN 255",
      "INQUIRE PASSPHRASE"
    ])
    assert.strictEqual((await one.answer(Buffer.from("abc"))).data.toString(), "abc!")
    agent.handle("PKSIGN", ["ERR 67109115 Forbidden <GPG Agent>"])
    assert.match((await one.command("PKSIGN")).last, /Forbidden/)
  })

  it("reports what would have hurt a real agent", async () => {
    await using agent = await startFakeAgent()
    for (
      const bytes of [
        "GETINFO version\0 pid\n",
        "PKDECRYPT\nD %zz\nEND\n",
        "PKDECRYPT\nD a%25%4\n",
        "PKDECRYPT\nNOP\n",
        "NO"
      ]
    ) {
      await using client = await greeted(agent.socket)
      client.send(bytes)
      client.end()
      const before = agent.hazards().length
      await agent.waitFor(`a hazard for ${JSON.stringify(bytes)}`, () => agent.hazards().length > before)
    }
    const expected = [
      /NUL/,
      /bad escape/,
      /percent sign at the end/,
      /inside the inquiry CIPHERTEXT/,
      /unfinished line/
    ]
    agent.hazards().forEach((hazard, index) => assert.match(hazard, expected[index]!))
    assert.strictEqual(agent.hazards().length, expected.length)
  })

  it("a handler that throws ends the connection and is told as a hazard", async () => {
    await using agent = await startFakeAgent({
      handlers: {
        NOP: () => {
          throw new Error("on purpose")
        }
      }
    })
    await using client = await greeted(agent.socket)
    client.send("NOP\n")
    await client.closed
    assert.match(agent.hazards().join(), /on purpose/)
  })

  it("says what it was waiting for and what came instead", async () => {
    await using agent = await startFakeAgent()
    await using client = await greeted(agent.socket)
    await client.command("NOP")
    const message = await agent.waitFor("a RESET", () => agent.commands().includes("RESET"), 50)
      .then(() => "", (error: Error) => error.message)
    assert.strictEqual(message, "expected a RESET within 50 ms; 1 connections sent\n1: NOP")
  })

  it("leaves no socket and no connection behind", async () => {
    await using agent = await startFakeAgent({ handlers: { NOP: "hang" } })
    await using client = await greeted(agent.socket)
    client.send("NOP\n")
    await agent.waitFor("a NOP", () => agent.commands().length === 1)
    await agent.close()
    await agent.close()
    await client.closed
    assert.isFalse(existsSync(agent.socket))
  })
})
