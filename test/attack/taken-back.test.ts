// A grant that ends while its token is in use: revoked, replaced by another token, or over. From that moment on nothing of what it
// permitted is released, however far it had come.
import { assert, describe, it } from "@effect/vitest"
import type { Issued, Plan } from "@gripgate/proxy/grant/issue"
import { dataLines } from "@gripgate/testkit/assuan-data"
import { type FakeAgent, startFakeAgent } from "@gripgate/testkit/fake-agent"
import { cannedPlaintext, cannedSignature } from "@gripgate/testkit/fake-agent/defaults"
import type { Reply } from "@gripgate/testkit/fake-agent/reply"
import { fixtureKeys } from "@gripgate/testkit/keys"
import type { RawClient } from "@gripgate/testkit/raw-client"
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { appPolicy, decrypt, loopback, needsToken, sign } from "../support/tokens.ts"
import { assertTalk, DIGEST, ecdhCiphertext, ERR, outcome } from "../support/wire.ts"

const { encryption, primary } = fixtureKeys.protected.keygrips
const keys = [primary, encryption]
const SEALED = Buffer.from("a sealed passphrase")
const policy = `default = "forbid"\n${appPolicy("mail", needsToken)}\n${appPolicy("other", needsToken)}\n`
const by = { through: "test" }

const sealedIn = (plan: Plan) => plan.keys.filter((key) => key.sealed).map(({ info }) => info.keygrip)

/** How a grant ends. */
const ends: Readonly<Record<string, (gate: TestGate, issued: Issued) => Promise<void>>> = {
  revoked: (gate, { grant }) => Effect.runPromise(gate.inside.grants.tokens.revoke([grant], by)),
  "given another token": async (gate, { grant }) => {
    const { issuer } = gate.inside
    await Effect.runPromise(Effect.flatMap(issuer.planRotation(grant.id), (plan) => {
      return issuer.rotate(grant.id, plan, 0, new Map(sealedIn(plan).map((grip) => [grip, SEALED])), by)
    }))
  },
  "over by its time": async (gate, { grant }) => {
    await Effect.runPromise(gate.inside.issuer.renew(grant.id, { time: 1 }, by))
    while (gate.inside.grants.tokens.isLive(grant)) await sleep(5)
  }
}

/** Milliseconds that a slow agent works: long enough for a grant to end meanwhile. */
const WORK = 1_000

const signature: Reply = [...dataLines(cannedSignature), "OK"]
const plaintext: Reply = [...dataLines(cannedPlaintext), "OK"]

interface Place {
  readonly fake: FakeAgent
  readonly gate: TestGate
  readonly issued: Issued
  /** From now on the agent works slowly; done when it has begun. */
  readonly slowed: () => Promise<void>
}

/** A gate before a fake agent, and a grant: with a seal before locked keys, else before keys without a passphrase. */
const within = async (seal: boolean, check: (place: Place) => Promise<void>): Promise<void> => {
  let begun: (() => void) | undefined
  const work = (reply: Reply): Reply => {
    if (begun === undefined) return reply
    begun()
    return { afterMs: WORK, reply }
  }
  const unlocked = {
    PKSIGN: () => work(signature),
    PKDECRYPT: { inquire: "CIPHERTEXT", maxlen: 4096, next: () => work(plaintext) }
  }
  const asking = (then: Reply): Reply => ({ inquire: "PASSPHRASE", maxlen: 255, next: () => work(then) })
  const locked = {
    PKSIGN: asking(signature),
    PKDECRYPT: { inquire: "CIPHERTEXT", maxlen: 4096, next: () => asking(plaintext) }
  }
  await using fake = seal
    ? await startProtectedAgent({ keys, passphrase: SEALED, handlers: locked })
    : await startFakeAgent({ keys, handlers: unlocked })
  await using gate = await startTestGate({ agent: fake.socket, policy, apps: ["mail", "other"] })
  const issued = await gate.grant({ app: "mail", keys, operations: ["sign", "decrypt"], seal }, SEALED)
  await check({ fake, gate, issued, slowed: () => new Promise((resolve) => void (begun = resolve)) })
}

const mailClient = async (gate: TestGate): Promise<RawClient> => {
  const client = await gate.client("mail")
  await loopback(client)
  return client
}

/** What went to the agent since. */
const heardBy = (fake: FakeAgent) => {
  const before = fake.connections.map((connection) => connection.received().length)
  return (): string =>
    fake.connections.map((connection, i) => connection.received().subarray(before[i] ?? 0).toString("latin1")).join("")
}

const assertNothing = (client: RawClient): void =>
  assert.notMatch(client.received().toString("latin1"), /^D /m, "nothing was released")

for (const seal of [true, false]) {
  for (const [end, finish] of Object.entries(ends)) {
    describe(`a grant ${seal ? "with" : "without"} a seal that is ${end}`, () => {
      it("before the next use: that is refused, and does not get to the agent", () =>
        within(seal, async ({ fake, gate, issued }) => {
          await using client = await mailClient(gate)
          assert.strictEqual(await sign(client, primary, issued.token), "OK")
          assert.strictEqual(await decrypt(client, encryption), "OK")
          await finish(gate, issued)
          const heard = heardBy(fake)
          assert.strictEqual(await sign(client, primary, issued.token), ERR.BAD_PASSPHRASE)
          assert.strictEqual(await decrypt(client, encryption, issued.token), ERR.BAD_PASSPHRASE)
          assert.notMatch(heard(), /PKSIGN|PKDECRYPT|passphrase/)
        }))

      it("while the client is asked for the ciphertext: the seal stays shut, and nothing is released", () =>
        within(seal, async ({ fake, gate, issued }) => {
          await using client = await mailClient(gate)
          await assertTalk(client, [`SETKEY ${encryption}`, "OK"], ["PKDECRYPT", "INQUIRE PASSPHRASE"])
          assert.strictEqual(outcome(await client.answer(issued.token)), "INQUIRE CIPHERTEXT")
          await finish(gate, issued)
          const heard = heardBy(fake)
          assert.strictEqual(outcome(await client.answer(ecdhCiphertext)), ERR.BAD_PASSPHRASE)
          assert.notInclude(heard(), SEALED.toString())
          assertNothing(client)
        }))

      it("while the gate waits for the token: it does not hold any more", () =>
        within(seal, async ({ fake, gate, issued }) => {
          await using client = await mailClient(gate)
          await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
          await assertTalk(client, ["PKSIGN", "INQUIRE PASSPHRASE"])
          await finish(gate, issued)
          assert.strictEqual(outcome(await client.answer(issued.token)), ERR.BAD_PASSPHRASE)
          assert.notInclude(fake.commands().join("\n"), "PKSIGN")
        }))

      for (const [use, run] of [["signs", sign], ["decrypts", decrypt]] as const) {
        it(`while the agent ${use}: what it says stays in the gate`, () =>
          within(seal, async ({ gate, issued, slowed }) => {
            await using client = await mailClient(gate)
            const begun = slowed()
            const done = run(client, use === "signs" ? primary : encryption, issued.token)
            await begun
            await finish(gate, issued)
            assert.strictEqual(await done, ERR.BAD_PASSPHRASE)
            assertNothing(client)
            assert.include(gate.log().join("\n"), "what was permitted was taken back meanwhile")
          }))
      }
    })
  }
}

describe("a token that was accepted", () => {
  it("holds for the rest of its connection, RESET and another mode of pinentry included", () =>
    within(true, async ({ gate, issued }) => {
      await using client = await mailClient(gate)
      assert.strictEqual(await sign(client, primary, issued.token), "OK")
      await assertTalk(client, ["RESET", "OK"])
      assert.strictEqual(await decrypt(client, encryption), "OK")
      await assertTalk(client, ["OPTION pinentry-mode=ask", "OK"])
      assert.strictEqual(await sign(client, primary), "OK")
    }))

  it("holds on no other connection, neither of its app nor of another", () =>
    within(true, async ({ gate, issued }) => {
      await using client = await mailClient(gate)
      assert.strictEqual(await sign(client, primary, issued.token), "OK")
      for (const app of ["mail", "other"]) {
        await using another = await gate.client(app)
        assert.strictEqual(await sign(another, primary), ERR.FORBIDDEN, app)
        await loopback(another)
        assert.strictEqual(await sign(another, primary, "CAN"), ERR.FORBIDDEN, app)
      }
    }))

  it("ends by its time on a connection that is open, and not before", () =>
    within(true, async ({ gate }) => {
      const issued = await gate.grant({ app: "mail", keys, operations: ["sign"] }, SEALED, { time: 3_000 })
      await using client = await mailClient(gate)
      assert.strictEqual(await sign(client, primary, issued.token), "OK")
      while (gate.inside.grants.tokens.isLive(issued.grant)) await sleep(20)
      assert.isAtLeast(Date.now(), issued.grant.madeAt + 3_000 - 1)
      assert.strictEqual(await sign(client, primary, issued.token), ERR.BAD_PASSPHRASE)
    }))

  it("is good beside the one that replaced it until the overlap is over", () =>
    within(true, async ({ gate, issued }) => {
      const { issuer } = gate.inside
      const next = await Effect.runPromise(
        Effect.flatMap(
          issuer.planRotation(issued.grant.id),
          (plan) =>
            issuer.rotate(issued.grant.id, plan, 3_000, new Map(sealedIn(plan).map((grip) => [grip, SEALED])), by)
        )
      )
      await using before = await mailClient(gate)
      assert.strictEqual(await sign(before, primary, issued.token), "OK")
      await using after = await mailClient(gate)
      assert.strictEqual(await sign(after, primary, next.token), "OK")
      while (Date.now() <= issued.grant.previous!.until) await sleep(20)
      assert.strictEqual(await sign(before, primary, issued.token), ERR.BAD_PASSPHRASE)
      assert.strictEqual(await sign(before, primary, next.token), "OK")
      assert.strictEqual(await sign(after, primary), "OK")
    }))
})
