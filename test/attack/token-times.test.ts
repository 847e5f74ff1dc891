// How long a refusal takes says nothing about what is wrong with a token: medians of many, in random order, each over a fresh
// connection. Between them a right token of the same app, so that none of them waits.
import { assert, describe, it } from "@effect/vitest"
import { connectRaw } from "@gripgate/testkit/raw-client"
import { randomInt } from "node:crypto"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { startProtectedAgent } from "../support/protected-agent.ts"
import { allKeys, granted, PASSPHRASE, primary, wrongTokens } from "../support/refused-tokens.ts"
import { appPolicy, ask, environmentOption, needsToken } from "../support/tokens.ts"
import { assertTalk, DIGEST, outcome } from "../support/wire.ts"

/** What issue and documents promise to be alike. */
const promised = [
  "a wrong secret",
  "a mistyped one",
  "one of a grant that was revoked",
  "one whose time is up",
  "one that is used up",
  "one over its limit",
  "one of another app",
  "one for another operation"
]

const MEASURED = 1_000
/** The most that two medians may be apart. */
const APART = 1.05
/** Apps that measure at the same time: each is slowed down by itself, and a refusal is mostly waiting. */
const APPS = Array.from({ length: 2 }, (_, i) => `mail${i}`)

const policy = ["default = \"forbid\"", ...[...APPS, "other"].map((app) => appPolicy(app, needsToken))].join("\n")

const median = (all: ReadonlyArray<number>): number => all.toSorted((a, b) => a - b)[all.length >> 1]!

/** Milliseconds between a token and its refusal. */
const presenting: Readonly<Record<string, (gate: TestGate, app: string, token: Buffer) => Promise<number>>> = {
  "in band": async (gate, app, token) => {
    await using client = await connectRaw(gate.socketOf(app))
    client.send(`OPTION pinentry-mode=loopback\nSIGKEY ${primary}\nSETHASH 8 ${DIGEST}\nPKSIGN\n`)
    for (const expected of ["OK", "OK", "OK", "OK", "INQUIRE PASSPHRASE"]) {
      assert.strictEqual(outcome(await client.readReply()), expected)
    }
    const before = performance.now()
    const { last } = await client.answer(token)
    const time = performance.now() - before
    assert.match(last, /^ERR 67108875 /)
    return time
  },
  "in the environment": async (gate, app, token) => {
    await using client = await connectRaw(gate.socketOf(app))
    client.send(Buffer.concat([
      environmentOption(token),
      Buffer.from(`\nSIGKEY ${primary}\nSETHASH 8 ${DIGEST}\n`)
    ]))
    for (let i = 0; i < 4; i++) assert.strictEqual(outcome(await client.readReply()), "OK")
    const before = performance.now()
    const { last } = await client.command("PKSIGN")
    const time = performance.now() - before
    assert.match(last, /^ERR 67108875 /)
    return time
  }
}

const shuffled = <A>(all: ReadonlyArray<A>): ReadonlyArray<A> => {
  const left = [...all]
  for (let i = left.length - 1; i > 0; i--) {
    const j = randomInt(i + 1)
    const swapped = left[i]!
    left[i] = left[j]!
    left[j] = swapped
  }
  return left
}

interface Measuring extends AsyncDisposable {
  /** What is measured. */
  readonly refused: (token: Buffer) => Promise<number>
  /** The app uses a right token. */
  readonly forgiven: () => Promise<void>
  readonly tokens: ReadonlyMap<string, Buffer>
}

type Times = ReadonlyMap<string, Array<number>>

const measureAs = async ({ forgiven, refused, tokens }: Measuring, times: Times, rounds: number): Promise<void> => {
  let wrong = 0
  for (let round = 0; round < rounds; round++) {
    for (const [what, token] of shuffled([...tokens])) {
      if (wrong++ % 2 === 0) await forgiven()
      times.get(what)!.push(await refused(token))
    }
  }
}

/** The median for each kind, of `count` each. */
const measure = async (all: ReadonlyArray<Measuring>, count: number): Promise<ReadonlyMap<string, number>> => {
  const times: Times = new Map(promised.map((what) => [what, []]))
  await Promise.all(all.map((each) => measureAs(each, times, Math.ceil(count / all.length))))
  return new Map([...times].map(([what, measured]) => [what, median(measured)]))
}

const apart = (medians: ReadonlyMap<string, number>): number =>
  Math.max(...medians.values()) / Math.min(...medians.values())

describe("a token is refused in the same time, whatever is wrong with it", () => {
  for (const [way, present] of Object.entries(presenting)) {
    it(way, { timeout: 300_000 }, async () => {
      await using fake = await startProtectedAgent({ keys: allKeys, passphrase: PASSPHRASE })
      await using gate = await startTestGate({ agent: fake.socket, policy, apps: [...APPS, "other"] })
      const prepare = async (app: string): Promise<Measuring> => {
        const tokens = new Map<string, Buffer>()
        for (const { make, what } of wrongTokens.filter(({ what }) => promised.includes(what))) {
          tokens.set(what, await make(gate, "sign", app))
        }
        assert.sameMembers([...tokens.keys()], promised)
        const right = (await granted(gate, { app, seal: false })).token
        const client = await gate.client(app)
        await assertTalk(client, [`SIGKEY ${primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"])
        return {
          tokens,
          refused: (token) => present(gate, app, token),
          forgiven: async () => {
            await ask(client, environmentOption(right))
            await assertTalk(client, ["PKSIGN", "OK"])
          },
          [Symbol.asyncDispose]: () => client.close()
        }
      }
      await using stack = new AsyncDisposableStack()
      const all: Array<Measuring> = []
      for (const app of APPS) all.push(stack.use(await prepare(app)))
      // for the right ones: the agent has the key unlocked
      fake.handle("PKSIGN", ["D x", "OK"])
      await measure(all, 40)
      let medians = await measure(all, MEASURED)
      // something else that ran on this machine may have hit one kind more than the others
      if (apart(medians) > APART) medians = await measure(all, 2 * MEASURED)
      assert.isAtMost(apart(medians), APART, JSON.stringify([...medians]))
    })
  }
})
