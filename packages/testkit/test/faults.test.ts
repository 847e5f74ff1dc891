// Each fault of the fake agent is what its name says on the wire.
import { assert, describe, it } from "@effect/vitest"
import { setTimeout as sleep } from "node:timers/promises"
import { makeClientHome } from "../src/client-home.ts"
import { type FakeAgent, startFakeAgent } from "../src/fake-agent.ts"
import * as faults from "../src/fake-agent/faults.ts"
import type { Reply } from "../src/fake-agent/reply.ts"
import { makeHomedir } from "../src/homedir.ts"
import { importKey } from "../src/keys.ts"
import { connectRaw, type RawClient } from "../src/raw-client.ts"

/** Sends TEST, which is answered with the fault, and lets `look` look at what comes. */
const withFault = async (fault: Reply, look: (client: RawClient, agent: FakeAgent) => Promise<void>): Promise<void> => {
  await using agent = await startFakeAgent({ handlers: { TEST: fault } })
  await using client = await connectRaw(agent.socket)
  await client.readReply()
  client.send("TEST\n")
  await look(client, agent)
}
const afterGreeting = (client: RawClient): string => {
  const text = client.received().toString("latin1")
  return text.slice(text.indexOf("\n") + 1)
}

describe("greetings", () => {
  it("none: the connection stays open and silent", async () => {
    await using agent = await startFakeAgent({ greeting: "hang" })
    await using client = await connectRaw(agent.socket)
    client.send("NOP\n")
    await agent.waitFor("the bytes", () => agent.connections[0]?.received().toString() === "NOP\n")
    assert.strictEqual(client.received().length, 0)
    assert.deepEqual(agent.commands(), [], "recorded, not obeyed")
    client.destroy()
    await agent.connections[0]!.closed
  })

  it("closed at once, ERR, late", async () => {
    await using closing = await startFakeAgent({ greeting: "close" })
    await using one = await connectRaw(closing.socket)
    assert.strictEqual(await one.closed, "end")
    await using refusing = await startFakeAgent({ greeting: ["ERR 67109115 Forbidden <GPG Agent>"] })
    await using two = await connectRaw(refusing.socket)
    assert.match((await two.readReply()).last, /^ERR 67109115/)
    await using late = await startFakeAgent({ greeting: faults.slow(60, ["OK"]) })
    const start = performance.now()
    await using three = await connectRaw(late.socket)
    await three.readReply()
    assert.isAtLeast(performance.now() - start, 55)
  })
})

describe("faults", () => {
  it("dies in the middle of a reply, after so many bytes", () =>
    withFault(faults.dieAfter(5, ["D abcdef", "OK"]), async (client) => {
      assert.strictEqual(await client.closed, "end")
      assert.strictEqual(afterGreeting(client), "D abc")
    }))

  it("says nonsense, and no end of a reply with it", () =>
    withFault(faults.nonsense, async (client) => {
      const lines = []
      for (let i = 0; i < 7; i++) lines.push((await client.readLine()).toString("latin1"))
      assert.strictEqual(lines[0], "Hello?")
      assert.isTrue(lines.every((line) => !/^(OK|ERR|S|D|INQUIRE|END)( |$)/.test(line)))
      assert.isTrue(lines.some((line) => line.startsWith("\0\xff")))
      assert.strictEqual((await client.command("NOP")).last, "OK")
    }))

  it("writes a line of a given length, also one that no reader has to take", async () => {
    for (const length of [1000, 1001, 1002, 5000]) {
      await withFault(faults.longLine(length), async (client) => {
        assert.strictEqual((await client.readLine()).length, length)
      })
    }
    await withFault(faults.noLineEnd(100_000), async (client) => {
      while (afterGreeting(client).length < 100_000) await sleep(1)
      assert.notInclude(afterGreeting(client), "\n")
    })
  })

  for (
    const [name, fault, line] of [["data", faults.endlessData, /^D A{998}$/], [
      "status",
      faults.endlessStatus,
      /^S /
    ]] as const
  ) {
    it(`sends ${name} without end, and stops when the client goes`, () =>
      withFault(fault, async (client, agent) => {
        for (let i = 0; i < 500; i++) assert.match((await client.readLine()).toString(), line)
        client.destroy()
        await agent.connections[0]!.closed
      }))
  }

  it("is slow, and no slower than the test is long", async () => {
    await withFault(faults.slow(60, ["OK"]), async (client) => {
      const start = performance.now()
      await client.readReply()
      assert.isAtLeast(performance.now() - start, 55)
    })
    await withFault(faults.slow(60_000, ["OK"]), async (client, agent) => {
      client.destroy()
      await agent.connections[0]!.ended
      await agent.close()
      await agent.connections[0]!.closed
    })
  })

  it("answers twice, so that the next reply is off by one", () =>
    withFault(faults.twice(["D a", "OK"]), async (client) => {
      await client.readReply()
      assert.strictEqual((await client.command("GETINFO version")).data.toString(), "a")
    }))

  it("asks what nobody expects, and goes on whatever the answer is", async () => {
    for (const keyword of ["CONFIRM 1", "NOSUCH x"]) {
      for (const answer of ["END", "CAN"]) {
        await withFault(faults.unsolicited(keyword, ["OK done"]), async (client, agent) => {
          assert.strictEqual((await client.readReply()).last, `INQUIRE ${keyword}`)
          assert.strictEqual((await client.command(answer)).last, "OK done")
          assert.strictEqual(agent.connections[0]!.answers.length, 1)
        })
      }
    }
  })

  it("errors without a number: gpg dies of one in place of a signature", async () => {
    await withFault(faults.errWithoutNumber, async (client) => {
      assert.strictEqual((await client.readLine()).toString(), "ERR Forbidden")
    })
    await using home = await makeHomedir()
    await importKey(home, "plain")
    await using agent = await startFakeAgent({ handlers: { PKSIGN: faults.errZero } })
    await using client = await makeClientHome({ owner: home, socket: agent.socket })
    const result = await client.run(["gpg", "--batch", "--clearsign"], { input: "x\n" })
    assert.include(agent.commands(), "PKSIGN")
    assert.notStrictEqual(result.code, 0)
    assert.include(result.stderr, "Assertion")
  })
})
