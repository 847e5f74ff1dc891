// The gate's own limits and changes: too many sessions, another policy, the end. Whoever is connected gets a clear outcome.
import { assert, describe, it } from "@effect/vitest"
import { connectRaw, type RawClient } from "@gripgate/testkit/raw-client"
import { connect } from "node:net"
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises"
import { startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate } from "../support/gate.ts"
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
const sign = [[`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "OK"]] as const
const READKEY = `READKEY ${primary}`

/** Connects as one client too many: greeted with OK, it gets a no at its first command, and the end. */
const assertRefused = async (socket: string): Promise<void> => {
  await using client = await connectRaw(socket)
  assert.deepStrictEqual(await outcomes(client, 1), ["OK"])
  await assertTalk(client, ["RESET", ERR.LIMIT_REACHED])
  await assertClosed(client)
}

/** A place that was taken is free again as soon as the gate has seen its client go. */
const connectWhenFree = async (connect: () => Promise<RawClient>): Promise<RawClient> => {
  for (let tries = 0;; tries++) {
    const client = await connect()
    if (outcome(await client.command("NOP")) === "OK") return client
    await client.close()
    if (tries === 50) throw new Error("expected a free place among the sessions within 50 tries")
    await turn()
  }
}

describe("too many sessions", () => {
  it("one more than there may be: greeted with OK, then ERR 67109047; when one goes there is a place again", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket, limits: { sessions: 2 } })
    const first = await gate.client()
    await using second = await gate.client()
    await assertRefused(gate.socket)
    await assertRefused(gate.socket)
    await assertTalk(second, ...sign)
    await first.close()
    await using next = await connectWhenFree(() => gate.client())
    await assertTalk(next, ...sign)
    await assertRefused(gate.socket)
    assertCanonical(agent)
  })

  it("of one app: its limit is its own, and others have their places", async () => {
    const policy =
      "default = \"allow\"\n[apps.a]\nsocket = \"a\"\nkeys = [\"*\"]\n[apps.b]\nsocket = \"b\"\nkeys = [\"*\"]\n"
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({
      agent: agent.socket,
      policy,
      apps: ["a", "b"],
      limits: { sessionsOfApp: 1 }
    })
    await using _ = await gate.client("a")
    await assertRefused(gate.socketOf("a"))
    await using other = await gate.client("b")
    await using anyone = await gate.client()
    for (const client of [other, anyone]) await assertTalk(client, ...sign)
  })

  it("clients that come and go at once, more than there are places for: the places are all free afterwards", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket, limits: { sessions: 8 } })
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(gate.socket)))
      for (const client of clients) client.send(`${READKEY}\n`)
      await turn()
      await Promise.all(clients.map((client) => client.close()))
    }
    const clients: Array<RawClient> = []
    while (clients.length < 8) clients.push(await connectWhenFree(() => gate.client()))
    await assertRefused(gate.socket)
    for (const client of clients) await client.close()
  })
})

describe("another policy", () => {
  const allowing = "default = \"allow\"\n"
  const forbidding = "default = \"allow\"\n[operations]\nsign = \"forbid\"\nloopback = \"forbid\"\n"

  it("is felt by a running session at its next command, both ways", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket, policy: allowing })
    await using client = await gate.client()
    await assertTalk(client, ...sign)
    await gate.changePolicy(forbidding)
    await assertTalk(client, ["PKSIGN", ERR.FORBIDDEN], ["GETINFO pid", "OK"], [
      "OPTION pinentry-mode=loopback",
      ERR.FORBIDDEN
    ])
    await gate.changePolicy(allowing)
    await assertTalk(client, ["OPTION pinentry-mode=ask", "OK"], ...sign)
    assert.strictEqual(agent.commands().filter((line) => line === "PKSIGN").length, 2)
  })

  it("a passphrase in band is judged again at each use: loopback that was granted is not a right for ever", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket, policy: allowing })
    await using client = await gate.client()
    await assertTalk(client, ["OPTION pinentry-mode=loopback", "OK"], sign[0], sign[1], [
      "PKSIGN",
      "INQUIRE PASSPHRASE"
    ])
    assert.strictEqual(outcome(await client.answer(Buffer.from("abc"))), "OK")
    await gate.changePolicy("default = \"allow\"\n[operations]\nloopback = \"forbid\"\n")
    await assertTalk(client, ["PKSIGN", ERR.FORBIDDEN])
    assert.strictEqual(agent.commands().filter((line) => line === "PKSIGN").length, 1)
  })

  it("that cannot be read changes nothing, and is told", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket, policy: forbidding })
    await using client = await gate.client()
    for (const bad of ["default = ", "default = \"alow\"\n", "", "[operations]\nsing = \"allow\"\n", "\xff\0"]) {
      await gate.changePolicy(bad)
      await assertTalk(client, sign[0], sign[1], ["PKSIGN", ERR.FORBIDDEN])
    }
    const told = gate.log().filter((line) => line.includes("the one before stays in force"))
    assert.isAtLeast(told.length, 5)
  })
})

describe("the end of the gate", () => {
  it("a running command finishes, what was sent behind it is answered ERR 67108941, and idle sessions end", async () => {
    await using agent = await startBusyAgent()
    agent.handle("READKEY", { afterMs: 300, reply: ["D (3:key)", "OK"] })
    await using gate = await startTestGate({ agent: agent.socket })
    await using busy = await gate.client()
    await using idle = await gate.client()
    busy.send(`${READKEY}\n# a comment\nNOP\n${READKEY}\n`)
    await agent.waitFor("the command", () => agent.commands().includes(READKEY))
    const closed = gate.close()
    assert.strictEqual(await idle.closed, "end")
    const reply = await busy.readReply()
    assert.deepStrictEqual(reply.lines.map(String), ["D (3:key)", "OK"])
    assert.deepStrictEqual(await outcomes(busy, 2), [ERR.NO_AGENT, ERR.NO_AGENT])
    await assertClosed(busy)
    await closed
    assert.strictEqual(agent.commands().filter((line) => line === READKEY).length, 1)
    await assertGone(gate.socket)
  })

  it("an inquiry that is open may be answered, and then the session ends", async () => {
    await using agent = await startBusyAgent()
    await using gate = await startTestGate({ agent: agent.socket })
    await using client = await gate.client()
    await assertTalk(client, [`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
    const closed = gate.close()
    await sleep(100)
    assert.strictEqual(outcome(await client.answer(ecdhCiphertext)), "OK")
    await assertClosed(client)
    await closed
    assertCanonical(agent)
  })

  it("a command that does not finish in time is answered ERR 67108941, once", async () => {
    await using agent = await startBusyAgent({ handlers: { READKEY: "hang" } })
    await using gate = await startTestGate({ agent: agent.socket, limits: { stop: 200 } })
    await using client = await gate.client()
    await using asked = await gate.client()
    await assertTalk(asked, [`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE CIPHERTEXT"])
    client.send(`${READKEY}\nNOP\n`)
    await agent.waitFor("the command", () => agent.commands().includes(READKEY))
    const begin = performance.now()
    const closed = gate.close()
    for (const one of [client, asked]) {
      assert.deepStrictEqual(await outcomes(one, 1), [ERR.NO_AGENT])
      await assertClosed(one)
    }
    await closed
    assert.isBelow(performance.now() - begin, 2_000)
  })

  it("a client that never reads does not keep it", async () => {
    await using agent = await startBusyAgent()
    agent.handle("READKEY", [...Array.from({ length: 1_000 }, () => `D ${"A".repeat(900)}`), "OK"])
    await using gate = await startTestGate({ agent: agent.socket, limits: { stop: 200 } })
    const deaf = connect({ path: gate.socket }).pause()
    deaf.write(`${READKEY}\nNOP\n`)
    await agent.waitFor("the command", () => agent.commands().includes(READKEY))
    const begin = performance.now()
    await gate.close()
    deaf.destroy()
    assert.isBelow(performance.now() - begin, 2_000)
  })
})

const assertGone = async (socket: string): Promise<void> => {
  const how = await connectRaw(socket).then(() => "connected", (error: NodeJS.ErrnoException) => error.code)
  assert.strictEqual(how, "ENOENT")
}

describe("everything at once", () => {
  it("64 clients sign, decrypt, and ask at the same time, and nobody gets an answer of another", async () => {
    await using agent = await startBusyAgent()
    agent.handle("GETVAL", (line) => [`D ${line.toString().split(" ")[1]}`, "OK"])
    await using gate = await startTestGate({ agent: agent.socket })
    await Promise.all(Array.from({ length: 64 }, async (_, number) => {
      await using client = await gate.client()
      for (let round = 0; round < 5; round++) {
        await assertPipelined(client, `SETKEY ${encryption}\nPKDECRYPT\n`, ["OK", "INQUIRE CIPHERTEXT"])
        assert.strictEqual(outcome(await client.answer(ecdhCiphertext)), "OK")
        assert.strictEqual((await client.command(`GETVAL n${number}`)).data.toString(), `n${number}`)
        await assertTalk(client, ...sign)
      }
    }))
    assertCanonical(agent)
  })
})
