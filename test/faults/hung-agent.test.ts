// An agent that hangs over a connection for one use alone, or while it looks at what a grant would be for: a client that has gone does
// not keep it, nor its place, and a gate that stops waits for neither.
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import type { FakeConnection } from "@gripgate/testkit/fake-agent/record"
import type { RawClient } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { setTimeout as sleep } from "node:timers/promises"
import { controlOf } from "../support/control.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { appPolicy, environmentOption, needsToken } from "../support/tokens.ts"
import { assertTalk, DIGEST, ecdhCiphertext, outcome } from "../support/wire.ts"

const PASSPHRASE = Buffer.from("a sealed passphrase")
const KEY = parseKeygrip("1".repeat(40))!
const DONE = ["OK"]

let agent: FakeAgent
let gate: TestGate
let closed: boolean

beforeEach(async () => {
  closed = false
  agent = await startProtectedAgent({ keys: [KEY], passphrase: PASSPHRASE })
  const policy = `default = "forbid"\n${appPolicy("mail", needsToken)}\n`
  gate = await startTestGate({ agent: agent.socket, policy, apps: ["mail"], limits: { stop: 200 } })
})
afterEach(async () => {
  if (!closed) await gate.close()
  await agent.close()
})

const grant = () => gate.grant({ app: "mail", keys: [`grip:${KEY}`] }, PASSPHRASE)

/** The connection on which the agent was told this last, when it has been, the `nth` of those. */
const told = async (command: string, nth = 1): Promise<FakeConnection> => {
  const last = () => agent.connections.filter(({ commands }) => commands.at(-1)?.startsWith(command) === true)
  await agent.waitFor(`${command} at the end of ${nth} connections`, () => last().length >= nth)
  return last()[nth - 1]!
}

const withToken = async (): Promise<RawClient> => {
  const { token } = await grant()
  const client = await gate.client("mail")
  await assertTalk(client, [environmentOption(token).toString("latin1"), "OK"])
  return client
}

const toSign = async (): Promise<RawClient> => {
  const client = await withToken()
  await assertTalk(client, [`SIGKEY ${KEY}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
  return client
}

/** What hangs, with the client that waits for it and the agent's end. */
const hangs: ReadonlyArray<readonly [string, () => Promise<readonly [RawClient, FakeConnection]>]> = [
  ["a sealed signature", async () => {
    agent.handle("PKSIGN", "hang")
    const client = await toSign()
    client.send("PKSIGN\n")
    return [client, await told("PKSIGN")]
  }],
  ["a sealed decryption", async () => {
    agent.handle("PKDECRYPT", { inquire: "CIPHERTEXT", maxlen: 4096, next: () => "hang" })
    const client = await withToken()
    await assertTalk(client, [`SETKEY ${KEY}`, "OK"])
    assert.strictEqual(outcome(await client.command("PKDECRYPT")), "INQUIRE CIPHERTEXT")
    client.answer(ecdhCiphertext, 60_000).catch(() => {})
    await agent.waitFor(
      "a ciphertext",
      () => agent.connections.some(({ answers }) => answers.at(-1)?.inquire === "CIPHERTEXT")
    )
    return [client, await told("PKDECRYPT")]
  }],
  ["the check of a seal behind a signature that needed none", async () => {
    const client = await toSign()
    agent.handle("PKSIGN", ["D signature", "OK"])
    agent.handle("PASSWD", "hang")
    client.send("PKSIGN\n")
    // the first was for the grant
    return [client, await told("PASSWD", 2)]
  }],
  ["GRIPGATE REQUEST", async () => {
    agent.handle("KEYINFO", "hang")
    const client = await gate.client("mail")
    client.send(`GRIPGATE REQUEST grip:${KEY}\n`)
    return [client, await told(`KEYINFO ${KEY}`)]
  }]
]

describe("an agent that hangs", () => {
  for (const [what, hang] of hangs) {
    it(`in ${what} is let go with the client, whose place is free again`, async () => {
      const [client, connection] = await hang()
      client.destroy()
      await connection.ended
      const open = async () => (await controlOf(gate.control).status()).sessions.open
      for (let i = 0; i < 500 && await open() > 0; i++) await sleep(10)
      assert.strictEqual(await open(), 0)
    })

    it(`in ${what} does not keep the gate from stopping`, async () => {
      const [client, connection] = await hang()
      await gate.close()
      closed = true
      await connection.ended
      assert.strictEqual(await client.closed, "end")
    })
  }

  it("in the check of a passphrase keeps nobody who is interrupted, and nothing is granted", async () => {
    const { issuer } = gate.inside
    agent.handle("PASSWD", { inquire: "PASSPHRASE", maxlen: 255, next: () => "hang" })
    const plan = await Effect.runPromise(issuer.plan({ app: "mail", keys: [`grip:${KEY}`], seal: true }))
    const passphrases = new Map<Keygrip, Buffer>([[KEY, PASSPHRASE]])
    // whoever hands a token on must not be torn off in the middle
    const issuing = Effect.runFork(Effect.uninterruptible(issuer.issue(plan, {}, passphrases, { through: "test" })))
    await agent.waitFor("a passphrase", () => agent.connections.some(({ answers }) => answers.length > 0))
    const connection = await told("PASSWD")
    await Effect.runPromise(Fiber.interrupt(issuing))
    await connection.ended
    assert.deepStrictEqual(gate.inside.grants.tokens.all(), [])
    agent.handle("PASSWD", { inquire: "PASSPHRASE", maxlen: 255, next: () => DONE })
    await grant()
  })
})
