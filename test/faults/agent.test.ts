// Agents that do not do their part: dead, dying, silent, talking nonsense, or asking what they may not. The client gets one
// ERR that it understands, its session lives on, and the next command goes to a new connection.
import { assert, describe, it } from "@effect/vitest"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import * as faults from "@gripgate/testkit/fake-agent/faults"
import type { Reply } from "@gripgate/testkit/fake-agent/reply"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import { isAlive, waitGone } from "@gripgate/testkit/processes"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { join } from "node:path"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate, type TestGate, type TestGateOptions } from "../support/gate.ts"
import { assertTalk, DIGEST, ecdhCiphertext, ERR, outcome, outcomes } from "../support/wire.ts"

const { encryption, primary } = grips.plain

/** A gate in front of an agent; afterwards the same session, and a new one, must work. */
const assertLivesOn = async (
  command: string,
  reply: Reply,
  test: (client: RawClient, agent: FakeAgent, gate: TestGate) => Promise<void>,
  options: Omit<TestGateOptions, "agent"> = {}
): Promise<void> => {
  await using agent = await startBusyAgent({ handlers: { [command]: reply } })
  await using gate = await startTestGate({ ...options, agent: agent.socket })
  await using client = await gate.client()
  await test(client, agent, gate)
  const use = [[`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"]] as const
  for (const one of [client, await gate.client()]) {
    await assertTalk(one, ...use)
    assert.strictEqual(outcome(await one.answer(ecdhCiphertext)), "OK")
    await one.close()
  }
  assertCanonical(agent)
  assert.deepStrictEqual(gate.log().filter((line) => line.includes("bug")), [])
}

const READKEY = `READKEY ${primary}`

describe("an agent whose answer is none", () => {
  const answers: ReadonlyArray<readonly [string, Reply]> = [
    ["dies before its reply", "close"],
    ["dies in the middle of a line", faults.dieAfter(50, [`D ${"A".repeat(100)}`, "OK"])],
    ["dies between two lines", faults.dieAfter(103, [`D ${"A".repeat(100)}`, "OK"])],
    ["dies before the LF of its OK", faults.dieAfter(105, [`D ${"A".repeat(100)}`, "OK"])],
    ["answers nonsense", faults.nonsense],
    ["answers ERR 0, of which gpg dies", faults.errZero],
    ["answers ERR without a number", faults.errWithoutNumber],
    ["answers ERR with a number of more than 32 bits", ["ERR 99999999999 Huge"]],
    ["answers with a line of more than 1001 bytes", faults.longLine(1002)],
    ["answers with bytes that never become a line", faults.noLineEnd(8_000)],
    ["answers data without end", faults.endlessData]
  ]
  for (const [what, reply] of answers) {
    it(`that ${what}: ERR 67108941, and the session lives on`, () =>
      assertLivesOn("READKEY", reply, async (client) => {
        await assertTalk(client, [READKEY, ERR.NO_AGENT], [READKEY, ERR.NO_AGENT], ["NOP", "OK"])
      }))
  }

  it("that dies where a setter travels with the command: ERR 67108941, and key and digest are not lost", async () => {
    let died = 0
    await using agent = await startBusyAgent()
    agent.handle("SETHASH", () => died++ === 0 ? "close" : ["OK"])
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", ERR.NO_AGENT], [
      "PKSIGN",
      "OK"
    ])
    assertCanonical(agent)
  })

  it("that dies inside an inquiry: ERR 67108941 for the command, and its answer is not taken for commands", () =>
    assertLivesOn("GENKEY", { inquire: "KEYPARAM", next: () => "close" }, async (client) => {
      await assertTalk(client, ["GENKEY", "INQUIRE KEYPARAM"])
      assert.strictEqual(outcome(await client.answer(Buffer.from("(6:genkey)"))), ERR.NO_AGENT)
      await assertTalk(client, ["NOP", "OK"])
    }))
})

describe("an agent that says more than it should", () => {
  it("the whole reply twice: the client gets it once, and later replies are not shifted", () =>
    assertLivesOn("READKEY", faults.twice(["D (3:key)", "OK"]), async (client) => {
      for (let i = 0; i < 3; i++) {
        const reply = await client.command(READKEY)
        assert.deepStrictEqual(reply.lines.map(String), ["D (3:key)", "OK"])
        assert.strictEqual((await client.command("GETINFO s2k_count")).data.toString(), "65536")
      }
    }))

  it("a line of 1001 bytes is taken, and no line with more than 1000 is sent on", () =>
    assertLivesOn("READKEY", faults.longLine(1001), async (client) => {
      const reply = await client.command(READKEY)
      assert.strictEqual(outcome(reply), "OK")
      assert.deepStrictEqual(reply.data, Buffer.alloc(999, "A"))
      assert.deepStrictEqual(reply.lines.filter((line) => line.length > 1000), [])
    }))

  it("status lines that no client knows, and comments, are not passed on", () =>
    assertLivesOn(
      "READKEY",
      ["# a comment", "S NOSUCH 1 2", "", "D (3:key)", "S PROGRESS x . 0 0", "OK"],
      async (client) => {
        assert.deepStrictEqual((await client.command(READKEY)).lines.map(String), [
          "D (3:key)",
          "S PROGRESS x . 0 0",
          "OK"
        ])
      }
    ))

  it("progress without end: a client that has gone takes the agent's connection with it", () =>
    assertLivesOn("READKEY", faults.endlessStatus, async (client, agent, gate) => {
      const other = await gate.client()
      other.send(`${READKEY}\n`)
      await other.readLine()
      await other.close()
      await agent.connections.find(({ commands }) => commands.includes(READKEY))!.ended
      await assertTalk(client, ["GETINFO pid", "OK"])
    }))
})

describe("an agent that asks what it may not", () => {
  for (
    const keyword of ["NEW_PASSPHRASE", "PASSPHRASE", "CIPHERTEXT", "NOSUCH", "PINENTRY_LAUNCHED 1 x", "CONFIRM 1"]
  ) {
    it(`INQUIRE ${keyword}: the client is not asked, the agent is answered CAN, and the reply is ERR 67109145`, () =>
      assertLivesOn("READKEY", faults.unsolicited(keyword, ["D secret", "OK"]), async (client, agent) => {
        await assertTalk(client, [READKEY, ERR.UNKNOWN_INQUIRE], ["GETINFO pid", "OK"])
        assert.notInclude(client.received().toString(), "secret")
        const asked = agent.connections.flatMap(({ answers }) => answers)
        assert.deepStrictEqual(asked.map(({ inquire }) => inquire), [keyword])
      }))
  }

  it("PASSPHRASE without loopback mode: the client is not asked", () =>
    assertLivesOn("PKSIGN", faults.unsolicited("PASSPHRASE", ["OK"]), async (client) => {
      await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], [
        "PKSIGN",
        ERR.UNKNOWN_INQUIRE
      ])
    }))

  it("CONFIRM in loopback mode is for the owner: where he cannot be asked the agent is answered CAN", () =>
    assertLivesOn("DELETE_KEY", faults.unsolicited("CONFIRM 1", ["OK"]), async (client, agent) => {
      await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"], [`DELETE_KEY ${primary}`, ERR.FORBIDDEN])
      const asked = agent.connections.flatMap(({ answers }) => answers)
      assert.deepStrictEqual(asked, [{ inquire: "CONFIRM 1", data: undefined }])
      await assertTalk(client, ["OPTION pinentry-mode=ask", "OK"])
    }))

  it("one question after the other without end: an ERR and a close", async () => {
    const again: Reply = { inquire: "CIPHERTEXT", next: () => again }
    await using agent = await startBusyAgent({ handlers: { PKDECRYPT: again } })
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await assertTalk(client, [`SETKEY ${encryption}`, "OK"])
    let said = outcome(await client.command("PKDECRYPT"))
    let answers = 0
    for (; said === "INQUIRE CIPHERTEXT"; answers++) said = outcome(await client.answer(ecdhCiphertext))
    assert.match(said, /^ERR /)
    assert.isBelow(answers, 200)
    assert.strictEqual(await client.closed, "end")
  })

  it("where a setter travels: the answer is ERR 67108941 and no signature", async () => {
    await using agent = await startBusyAgent({ handlers: { SETHASH: faults.unsolicited("TBSDATA", ["OK"]) } })
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", ERR.NO_AGENT])
    await assertTalk(client, ["PKSIGN", ERR.NO_AGENT], ["GETINFO pid", "OK"])
  })

  it("and does not wait for the answer: the reply is an ERR, and later ones are not shifted", async () => {
    await using agent = await startBusyAgent({ handlers: { READKEY: ["INQUIRE PASSPHRASE", "D secret", "OK"] } })
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    for (let i = 0; i < 3; i++) {
      assert.match(outcome(await client.command(READKEY)), /^ERR /)
      assert.strictEqual((await client.command("GETINFO s2k_count")).data.toString(), "65536")
    }
    assert.notInclude(client.received().toString(), "secret")
  })

  it("a setter that the agent refuses: its ERR is the reply, and no signature with an older key or digest is handed out", () =>
    assertLivesOn("SIGKEY", ["ERR 67108881 No secret key <GPG Agent>"], async (client) => {
      await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", ERR.NO_SECKEY], [
        "PKSIGN",
        ERR.NO_SECKEY
      ])
    }))
})

describe("an agent that is not there", () => {
  const greetings: ReadonlyArray<readonly [string, Reply]> = [
    ["greets never", "hang"],
    ["closes at once", "close"],
    ["greets with ERR", ["ERR 67108984 No"]],
    ["greets with nonsense", faults.nonsense],
    ["greets with a question", ["INQUIRE PASSPHRASE"]],
    ["greets without end", faults.endlessData],
    ["greets two times", ["OK hello", "OK"]]
  ]
  for (const [what, greeting] of greetings) {
    it(`that ${what}: the client is greeted all the same, and its commands are answered ERR 67108941 in time`, async () => {
      await using agent = await startFakeAgent({ greeting })
      await using gate = await startTestGate({ agent: agent.socket, limits: { greeting: 300 } })
      await using client = await gate.client()
      for (const line of ["GETINFO version", READKEY, "OPTION pinentry-mode=loopback"]) {
        const begin = performance.now()
        await assertTalk(client, [line, ERR.NO_AGENT])
        assert.isBelow(performance.now() - begin, 1_500)
      }
      await assertTalk(client, ["RESET", "OK"], ["BYE", "OK"])
      assert.match(gate.log().join("\n"), /no agent at /)
    })
  }

  it("nobody listens: ERR 67108941, and as soon as an agent does the same session works", async () => {
    const folder = await makeFolder("gn")
    try {
      const socket = join(folder, "S.gpg-agent")
      await using gate = await startTestGate({ agent: socket })
      await using client = await gate.client()
      await assertTalk(client, ["GETINFO version", ERR.NO_AGENT], [READKEY, ERR.NO_AGENT], [READKEY, ERR.NO_AGENT])
      await using agent = await startBusyAgent({ socket })
      await assertTalk(client, [READKEY, "OK"], ["GETINFO version", "OK"])
      assertCanonical(agent)
    } finally {
      await removeFolder(folder)
    }
  })

  it("closed between two commands: the next goes to a new connection, with all options and the key", async () => {
    await using agent = await startBusyAgent()
    agent.handle("READKEY", { bytes: Buffer.from("OK\n"), thenClose: true })
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await assertTalk(client, ["OPTION use-cache-for-signing=0", "OK"], [`SIGKEY ${primary}`, "OK"], [
      `SETHASH 8 ${DIGEST}`,
      "OK"
    ])
    await assertTalk(client, [READKEY, "OK"], ["PKSIGN", "OK"], [READKEY, "OK"], ["PKSIGN", "OK"])
    // the gate itself asks which keys there are
    const used = agent.connections.map(({ commands }) =>
      commands.filter((line) => !/^(?:GETINFO|KEYINFO --list)/.test(line))
    )
    const use = ["OPTION use-cache-for-signing=0", `SIGKEY ${primary}`, `SETHASH 8 ${DIGEST}`, "PKSIGN", READKEY]
    assert.deepStrictEqual(used.filter(({ length }) => length > 0), [[use[0], READKEY], use, use.slice(0, 4)])
  })

  it("a client that goes away while the agent is silent takes the agent's connection with it", async () => {
    await using agent = await startBusyAgent({ handlers: { READKEY: "hang" } })
    await using gate = await startTestGate({ agent: agent.socket })
    const client = await gate.client()
    client.send(`${READKEY}\n`)
    await agent.waitFor("the command", () => agent.commands().includes(READKEY))
    await client.close()
    const { ended } = agent.connections.find(({ commands }) => commands.includes(READKEY))!
    await ended
    await using next = await gate.client()
    await assertTalk(next, ["GETINFO pid", "OK"])
  })
})

describe("an agent that was told to stop", () => {
  it("and lingers for somebody else's connection: ERR 67108941 within the time for a greeting, for old sessions and new", async () => {
    await using home = await makeHomedir()
    await importKey(home, "plain")
    const pid = await home.launchAgent()
    const socket = await home.agentSocket()
    await using somebody = await connectRaw(socket)
    await somebody.readReply()
    await using gate = await startTestGate({ agent: socket, limits: { greeting: 500, warm: 100 } })
    await using old = await gate.client()
    await assertTalk(old, ["NOP", "OK"])
    await new Promise((resolve) => setTimeout(resolve, 300))
    process.kill(pid, "SIGTERM")
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.isTrue(isAlive(pid), "it lingers")
    for (const client of [old, await gate.client()]) {
      const begin = performance.now()
      await assertTalk(client, [READKEY, ERR.NO_AGENT])
      assert.isBelow(performance.now() - begin, 1_000)
      await assertTalk(client, ["NOP", "OK"])
      await client.close()
    }
    assert.match(gate.log().join("\n"), /it may have been told to stop/)
  })

  it("is not kept alive by the gate: the connections that are kept ready go within 2 s", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    await using gate = await startTestGate({ agent: await home.agentSocket() })
    await using idle = await gate.client()
    await assertTalk(idle, ["NOP", "OK"], ["GETINFO version", "OK"])
    process.kill(pid, "SIGTERM")
    assert.deepStrictEqual(await waitGone([pid], 3_000), [])
    await assertTalk(idle, ["NOP", "OK"])
  })

  it("by a client of the gate: KILLAGENT is answered, the session ends, and the agent is gone at once", async () => {
    await using home = await makeHomedir()
    const pid = await home.launchAgent()
    await using gate = await startTestGate({ agent: await home.agentSocket() })
    await using idle = await gate.client()
    await using client = await gate.client()
    client.send("KILLAGENT\n")
    assert.deepStrictEqual(await outcomes(client, 1), ["OK"])
    assert.strictEqual(await client.closed, "end")
    assert.deepStrictEqual(await waitGone([pid], 1_000), [])
    await assertTalk(idle, ["GETINFO pid", ERR.NO_AGENT])
  })
})
