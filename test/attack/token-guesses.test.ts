// Wrong tokens are slowed down for each app, whatever is wrong with them and over how many connections they come. Who waits is seen
// by who is answered first; a clock is only asked whether a wait was long enough.
import { assert, describe, it } from "@effect/vitest"
import type { RawClient } from "@gripgate/testkit/raw-client"
import { setTimeout as sleep } from "node:timers/promises"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { allKeys, granted, PASSPHRASE, primary, twoApps } from "../support/refused-tokens.ts"
import { ask, environmentOption, loopback, sign } from "../support/tokens.ts"
import { assertTalk, ERR } from "../support/wire.ts"

const WRONG = Buffer.from("no token")
/** Wrong ones that are answered at once. */
const FREE = 3
/** Milliseconds of the first wait, and of what is a wait at all: it runs from the moment of the refusal before. */
const FIRST = 1_000
const WAITED = FIRST / 2

const withGate = async (check: (gate: TestGate) => Promise<void>): Promise<void> => {
  await using fake = await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE })
  await using gate = await startTestGate({ agent: fake.socket, policy: twoApps, apps: ["mail", "other"] })
  await check(gate)
}

const clientOf = async (gate: TestGate, app = "mail"): Promise<RawClient> => {
  const client = await gate.client(app)
  await loopback(client)
  return client
}

/** Milliseconds until a token is refused, over a connection of its own. */
const refusedAfter = async (gate: TestGate, token: Buffer, app?: string): Promise<number> => {
  await using client = await clientOf(gate, app)
  const before = performance.now()
  assert.strictEqual(await sign(client, primary, token), ERR.BAD_PASSPHRASE)
  return performance.now() - before
}

const useUp = async (gate: TestGate): Promise<Buffer> => {
  const { token } = await granted(gate, {}, { maxUses: 1 })
  await using client = await clientOf(gate)
  assert.strictEqual(await sign(client, primary, token), "OK")
  return token
}

/** The next wrong one of an app waits: done when it does. */
const wait = async (gate: TestGate): Promise<{ readonly isOver: () => boolean } & AsyncDisposable> => {
  const client = await clientOf(gate)
  let over = false
  const answered = sign(client, primary, WRONG).then(() => void (over = true), () => {})
  await sleep(100)
  return {
    isOver: () => over,
    [Symbol.asyncDispose]: async () => {
      await client.close()
      await answered
    }
  }
}

describe("wrong tokens are slowed down", () => {
  it("after three, and each wait is twice as long as the one before", () =>
    withGate(async (gate) => {
      for (let i = 0; i < FREE; i++) await refusedAfter(gate, WRONG)
      assert.isAtLeast(await refusedAfter(gate, WRONG), WAITED)
      assert.isAtLeast(await refusedAfter(gate, WRONG), FIRST + WAITED)
    }))

  it("in the environment as in band", () =>
    withGate(async (gate) => {
      for (let i = 0; i < FREE; i++) await refusedAfter(gate, WRONG)
      await using client = await gate.client("mail")
      await ask(client, environmentOption(WRONG))
      const before = performance.now()
      assert.strictEqual(await sign(client, primary), ERR.BAD_PASSPHRASE)
      assert.isAtLeast(performance.now() - before, WAITED)
    }))

  it("also where they were right once: used up is no better than wrong", () =>
    withGate(async (gate) => {
      const token = await useUp(gate)
      for (let i = 0; i < FREE; i++) await refusedAfter(gate, token)
      assert.isAtLeast(await refusedAfter(gate, token), WAITED)
    }))

  it("and one that is used up does not make up for those before", () =>
    withGate(async (gate) => {
      const token = await useUp(gate)
      for (let i = 0; i < FREE - 1; i++) await refusedAfter(gate, WRONG)
      await using client = await gate.client("mail")
      await ask(client, environmentOption(token))
      await assertTalk(client, [`HAVEKEY ${primary}`, "OK"])
      assert.strictEqual(await sign(client, primary), ERR.BAD_PASSPHRASE)
      assert.isAtLeast(await refusedAfter(gate, WRONG), WAITED)
    }))

  it("over many connections at once, too: none is answered out of turn", () =>
    withGate(async (gate) => {
      const clients = await Promise.all(Array.from({ length: 24 }, () => clientOf(gate)))
      let answered = 0
      const all = clients.map((client) => sign(client, primary, WRONG).then(() => answered++, () => {}))
      await sleep(WAITED)
      assert.strictEqual(answered, FREE)
      for (const client of clients) await client.close()
      await Promise.all(all)
    }))
})

describe("while a wrong token waits", () => {
  it("the right one does not, and what was wrong before is forgiven", () =>
    withGate(async (gate) => {
      const { token } = await granted(gate)
      for (let i = 0; i < FREE + 1; i++) await refusedAfter(gate, WRONG)
      await using waiting = await wait(gate)
      await using client = await clientOf(gate)
      assert.strictEqual(await sign(client, primary, token), "OK")
      assert.isFalse(waiting.isOver())
      await refusedAfter(gate, WRONG)
      assert.isFalse(waiting.isOver(), "another is answered before it")
    }))

  it("another app's does not", () =>
    withGate(async (gate) => {
      for (let i = 0; i < FREE + 1; i++) await refusedAfter(gate, WRONG)
      await using waiting = await wait(gate)
      await refusedAfter(gate, WRONG, "other")
      assert.isFalse(waiting.isOver())
    }))
})
