// Clients that do not do their part: silent, endless, half, gone, or never reading. Each has a clear end, and the gate serves
// the next one.
import { assert, describe, it } from "@effect/vitest"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import { endlessStatus } from "@gripgate/testkit/fake-agent/faults"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { connect } from "node:net"
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate, type TestGate, type TestGateOptions } from "../support/gate.ts"
import {
  assertClosed,
  assertPipelined,
  assertTalk,
  DIGEST,
  ecdhCiphertext,
  ERR,
  outcome,
  outcomes
} from "../support/wire.ts"

const { encryption, primary } = grips.plain

/** A gate in front of a fake agent; afterwards the gate must serve a well-behaved client. */
const assertLivesOn = async (
  options: Omit<TestGateOptions, "agent">,
  test: (gate: TestGate, agent: FakeAgent) => Promise<void>
): Promise<void> => {
  await using agent = await startBusyAgent()
  await using gate = await startTestGate({ ...options, agent: agent.socket })
  await test(gate, agent)
  await using next = await gate.client()
  await assertTalk(next, ["GETINFO pid", "OK"], [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], [
    "PKSIGN",
    "OK"
  ])
  assertCanonical(agent)
  assert.deepStrictEqual(gate.log().filter((line) => line.includes("bug")), [])
}

const ask = (client: RawClient): Promise<void> =>
  assertTalk(client, [`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])

/** A client that sends and never reads, and when the gate has let go of it: only writing on tells. */
const deafClient = async (path: string, bytes: string): Promise<Promise<void>> => {
  const socket = connect({ path, allowHalfOpen: true })
  socket.pause()
  await new Promise((resolve) => socket.once("connect", resolve))
  const closed = Promise.withResolvers<void>()
  socket.once("error", () => closed.resolve())
  socket.write(bytes)
  const probe = setInterval(() => socket.write("\n"), 20)
  return closed.promise.finally(() => clearInterval(probe)).finally(() => socket.destroy())
}

describe("a client that begins and does not go on", () => {
  it("a line without end is an ERR and a close, within a session and inside an inquiry", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      client.send("A".repeat(70_000))
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.LINE_TOO_LONG])
      await assertClosed(client)

      const asked = await gate.client()
      await ask(asked)
      asked.send(`D ${"A".repeat(70_000)}`)
      assert.deepStrictEqual(await outcomes(asked, 1), [ERR.LINE_TOO_LONG])
      await assertClosed(asked)
    }))

  it("a silent client may be silent: no line is owed before it begins", () =>
    assertLivesOn({ limits: { finishLine: 1, finishAnswer: 1 } }, async (gate) => {
      const client = await gate.client()
      await sleep(600)
      await assertTalk(client, ["GETINFO pid", "OK"])
      await sleep(300)
      await assertTalk(client, ["NOP", "OK"])
    }))

  it("half a line and then silence ends with a time-out", () =>
    assertLivesOn({ limits: { finishLine: 100 } }, async (gate) => {
      const client = await gate.client()
      await assertTalk(client, ["NOP", "OK"])
      client.send("GETINFO pi")
      assert.deepStrictEqual(await outcomes(client, 1, 2_000), [ERR.TIMEOUT])
      await assertClosed(client)
      assert.match(gate.log().join("\n"), /closed a session of anyone .*: a line was not finished in time/)
    }))

  it("a line that comes one byte at a time gets no more time than another", () =>
    assertLivesOn({ limits: { finishLine: 300 } }, async (gate) => {
      const client = await gate.client()
      let told = false
      const closed = client.closed.then(() => told = true)
      for (let sent = 0; sent < 100 && !told; sent++) {
        client.send("A")
        await sleep(20)
      }
      await closed
      assert.match(client.received().toString(), /\nERR 67108926 [^\n]*\n$/)
    }))

  it("half a line at the end of what a client sends is an ERR", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      client.send("NOP\nGETINFO pid")
      client.end()
      assert.deepStrictEqual(await outcomes(client, 2), ["OK", ERR.INCOMPLETE_LINE])
      await assertClosed(client)
    }))

  it("an inquiry that is never answered ends with one time-out, and the agent's connection with it", () =>
    assertLivesOn({ limits: { finishAnswer: 100 } }, async (gate, agent) => {
      const client = await gate.client()
      await ask(client)
      client.send("D (7:enc")
      assert.deepStrictEqual(await outcomes(client, 1, 2_000), [ERR.TIMEOUT])
      await assertClosed(client)
      await agent.connections.find((connection) => connection.commands.includes("PKDECRYPT"))!.ended
      assert.strictEqual(gate.log().filter((line) => /an inquiry was not answered in time/.test(line)).length, 1)
    }))

  it("an answer without end is refused before it fills the memory", () =>
    assertLivesOn({}, async (gate, agent) => {
      const client = await gate.client()
      await ask(client)
      const line = `D ${"A".repeat(900)}\n`
      for (let sent = 0; sent < 600; sent++) {
        client.send(line)
        if (sent % 20 === 0) await turn()
      }
      assert.deepStrictEqual(await outcomes(client, 1), [ERR.TOO_MUCH_DATA])
      await assertClosed(client)
      assert.deepStrictEqual(agent.connections.flatMap((connection) => connection.answers), [])
    }))

  it("an answer that is too long is read to its end and refused, and the session lives on", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      await ask(client)
      assert.strictEqual(outcome(await client.answer(Buffer.alloc(4097, "A"))), ERR.TOO_MUCH_DATA)
      await ask(client)
      assert.strictEqual(outcome(await client.answer(ecdhCiphertext)), "OK")
    }))
})

describe("a client that goes away", () => {
  it("inside an inquiry: the agent's connection ends, and nothing of the half answer was sent", () =>
    assertLivesOn({}, async (gate, agent) => {
      const client = await gate.client()
      await ask(client)
      client.send("D (7:enc-val")
      await turn()
      await client.close()
      const connection = agent.connections.find(({ commands }) => commands.includes("PKDECRYPT"))!
      await connection.ended
      assert.deepStrictEqual(connection.answers, [])
    }))

  it("while a command runs: the gate lives on and the answer goes nowhere", () =>
    assertLivesOn({}, async (gate, agent) => {
      agent.handle("GETEVENTCOUNTER", { afterMs: 100, reply: ["S EVENTCOUNTER 1 1 1", "OK"] })
      const client = await gate.client()
      client.send("GETEVENTCOUNTER\nNOP\n")
      await agent.waitFor("the command", () => agent.commands().includes("GETEVENTCOUNTER"))
      await client.close()
      await agent.connections.find(({ commands }) => commands.includes("GETEVENTCOUNTER"))!.ended
    }))

  it("a client that half-closes after its commands still gets all its replies, that of an inquiry too", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      const data = `D ${ecdhCiphertext.toString("latin1")}\nEND\n`
      client.send(`NOP\nGETINFO pid\nSETKEY ${encryption}\nPKDECRYPT\n${data}NOSUCH\nHAVEKEY ${primary}\n`)
      client.end()
      const expected = ["OK", "OK", "OK", "INQUIRE CIPHERTEXT", "OK", ERR.UNKNOWN_CMD, "OK"]
      assert.deepStrictEqual(await outcomes(client, expected.length), expected)
      await assertClosed(client)
    }))

  it("a client that half-closes inside an inquiry is told that it was cancelled", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      client.send(`SETKEY ${encryption}\nPKDECRYPT\nD (7:enc\n`)
      client.end()
      assert.deepStrictEqual(await outcomes(client, 3), ["OK", "INQUIRE CIPHERTEXT", ERR.ASS_CANCELED])
      await assertClosed(client)
    }))
})

describe("a client that never reads", () => {
  it("with a large answer: the gate lets go of it in time", () =>
    assertLivesOn({ limits: { takeReply: 200 } }, async (gate, agent) => {
      agent.handle("HAVEKEY", [...Array.from({ length: 2_000 }, () => `D ${"A".repeat(900)}`), "OK"])
      await deafClient(gate.socket, "HAVEKEY --list=10000\n")
      assert.match(gate.log().join("\n"), /closed a session of anyone .*: a reply was not read in time/)
      agent.handle("HAVEKEY", ["OK"])
    }))

  it("with many commands: no more of them are run than its socket takes replies for, and then it is let go", () =>
    assertLivesOn({ limits: { takeReply: 200 } }, async (gate, agent) => {
      agent.handle("READKEY", [`D ${"A".repeat(900)}`, `D ${"A".repeat(900)}`, "OK"])
      await deafClient(gate.socket, `READKEY ${primary}\n`.repeat(1_200))
      // some 200 KiB lie in the system's buffers, as many as 120 of these replies
      assert.isBelow(agent.commands().filter((line) => line.startsWith("READKEY")).length, 400)
      assert.match(gate.log().join("\n"), /closed a session of anyone .*: a reply was not read in time/)
    }))

  it("with progress without end: the agent's connection ends too", () =>
    assertLivesOn({ limits: { takeReply: 200 } }, async (gate, agent) => {
      agent.handle("READKEY", endlessStatus)
      await deafClient(gate.socket, `READKEY ${primary}\nNOP\n`)
      await agent.connections.find(({ commands }) => commands.includes(`READKEY ${primary}`))!.ended
      assert.match(gate.log().join("\n"), /closed a session of anyone .*: a reply was not read in time/)
    }))

  it("with a breach of the protocol behind its commands: its socket does not stay for ever", () =>
    assertLivesOn({ limits: { takeReply: 200 } }, async (gate, agent) => {
      agent.handle("READKEY", [...Array.from({ length: 300 }, () => `D ${"A".repeat(900)}`), "OK"])
      await deafClient(gate.socket, `READKEY ${primary}\nNOP\0\n`)
    }))

  it("with more sent early than may wait: an ERR and a close", () =>
    assertLivesOn({}, async (gate, agent) => {
      agent.handle("GETEVENTCOUNTER", "hang")
      const client = await gate.client()
      client.send("GETEVENTCOUNTER\n")
      await agent.waitFor("the command", () => agent.commands().includes("GETEVENTCOUNTER"))
      for (let sent = 0; sent < 100; sent++) {
        client.send("NOP\n".repeat(256))
        await turn()
      }
      agent.connections.find(({ commands }) => commands.includes("GETEVENTCOUNTER"))!.destroy()
      assert.deepStrictEqual(await outcomes(client, 2), [ERR.NO_AGENT, ERR.TOO_MUCH_DATA])
      await assertClosed(client)
    }))
})

describe("a client that sends everything at once", () => {
  it("a thousand commands in one write get a thousand replies in their order", () =>
    assertLivesOn({}, async (gate) => {
      const client = await gate.client()
      const round = `NOP\nHAVEKEY ${primary}\nNOSUCH\n`
      await assertPipelined(
        client,
        round.repeat(333),
        Array.from({ length: 333 }, () => ["OK", "OK", ERR.UNKNOWN_CMD]).flat()
      )
    }))
})
