// Random and mutated sessions against a gate, many at once. GRIPGATE_FUZZ_SESSIONS=N runs more of them (or fewer),
// GRIPGATE_FUZZ_SEED=N others; a failure names the seed of its session.
import { assert, describe, it } from "@effect/vitest"
import { commands } from "@gripgate/protocol/table/index"
import type { FakeAgent } from "@gripgate/testkit/fake-agent"
import * as faults from "@gripgate/testkit/fake-agent/faults"
import type { Handler, Reply } from "@gripgate/testkit/fake-agent/reply"
import type { Split } from "@gripgate/testkit/fake-agent/writer"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { join } from "node:path"
import { handlers, startBusyAgent } from "../support/agent.ts"
import { grips } from "../support/attack.ts"
import { assertCanonical } from "../support/canonical.ts"
import { startTestGate, type TestGate } from "../support/gate.ts"
import { heldMemory } from "../support/memory.ts"
import { assertTalk, DIGEST, ecdhCiphertext, outcome } from "../support/wire.ts"
import { type Corpus, readCorpus } from "./corpus.ts"
import { mutate } from "./mutate.ts"
import { type Random, random } from "./random.ts"
import { type Outcome, runSession } from "./session.ts"

const SESSIONS = Number(process.env["GRIPGATE_FUZZ_SESSIONS"] ?? 10_000)
const SEED = Number(process.env["GRIPGATE_FUZZ_SEED"] ?? 20261123)
const BATCH = 500
const AT_ONCE = 16

/** Milliseconds for what takes 30 s on two cores that do nothing else; more sessions get more. */
const TIMEOUT = 180_000 * Math.max(1, SESSIONS / 10_000)

/** What a session may leave behind, in bytes: nothing; what is measured is the noise of a garbage collector. */
const KEPT = 400

const policies = [
  "default = \"allow\"\n",
  "default = \"allow\"\n[operations]\nsign = \"forbid\"\nexport = \"forbid\"\nadmin = \"forbid\"\ncard = \"forbid\"\nprompt = \"forbid\"\n",
  `default = "forbid"
  [anyone]
  keys = ["grip:${grips.plain.encryption}", "grip:${grips.plain.primary}"]
  decrypt = "allow"
  generate = "allow"
  import = "allow"
  cache = "allow"
  loopback = "allow"
  sign = "allow"
`
]

/** Runs sessions of these seeds, some at a time, and stops at the first that fails. */
const runAll = async (
  seeds: ReadonlyArray<number>,
  run: (seed: number) => Promise<Outcome>
): Promise<ReadonlyArray<Outcome>> => {
  const outcomes: Array<Outcome> = []
  let next = 0
  const worker = async () => {
    while (next < seeds.length) outcomes.push(await run(seeds[next++]!))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return outcomes
}

/** A client that does everything right. */
const assertServes = async (gate: TestGate): Promise<void> => {
  await using client = await gate.client()
  await assertTalk(client, ["GETINFO pid", "OK"], [`SETKEY ${grips.plain.encryption}`, "OK"], [
    "PKDECRYPT",
    "INQUIRE CIPHERTEXT"
  ])
  assert.strictEqual(outcome(await client.answer(ecdhCiphertext)), "OK")
}

const assertNoBug = (gate: TestGate): void => {
  assert.deepStrictEqual(gate.log().filter((line) => /bug|Error:|at .*\.ts:/.test(line)), [])
}

describe("random and mutated sessions", () => {
  it(
    `${SESSIONS} of them: one reply for each command, only canonical lines at the agent, no crash, no hang, no growth`,
    async () => {
      const corpus = await readCorpus()
      const folder = await makeFolder("gz")
      const socket = join(folder, "S.gpg-agent")
      const splits: ReadonlyArray<Split> = ["whole", "lines", "lineThenLf", "bytes"]
      const gates = await Promise.all(policies.map((policy) => startTestGate({ agent: socket, policy, logLevel: 4 })))
      const keys = Object.values(grips).flatMap(({ encryption, primary }) => [primary, encryption])
      let passed = 0
      let replies = 0
      let run = 0
      let before = 0
      let measuredFrom = 0
      try {
        for (let batch = 0; run < SESSIONS; batch++) {
          // a new agent for each batch at the same place: what it wrote down goes with it
          await using agent = await startBusyAgent({ socket, keys, split: splits[batch % splits.length]! })
          const seeds = Array.from({ length: Math.min(BATCH, SESSIONS - run) }, (_, index) => SEED + run + index)
          const outcomes = await runAll(seeds, (seed) => runSession(gates[seed % gates.length]!.socket, seed, corpus))
          for (const gate of gates) await assertServes(gate)
          await allGone(agent)
          assertCanonical(agent)
          passed += outcomes.filter((session) => session.passed > 0).length
          replies += outcomes.reduce((sum, session) => sum + session.replies, 0)
          run += outcomes.length
          await agent.close()
          if (batch === 2) [before, measuredFrom] = [await heldMemory(), run]
        }
        assert.strictEqual(run, SESSIONS)
        assert.isAbove(passed, SESSIONS / 2, "sessions that got past an inquiry")
        assert.isAbove(replies, 5 * SESSIONS)
        if (run > measuredFrom && measuredFrom > 0) {
          // the log is the test's own: it is kept here, and thrown away by nobody
          const log = gates.reduce((sum, gate) => sum + gate.log().join("\n").length, 0)
          const grown = await heldMemory() - before - 4 * log
          assert.isBelow(grown, 1024 * 1024 + KEPT * (run - measuredFrom), `grown by ${grown} bytes`)
        }
        for (const gate of gates) assertNoBug(gate)
      } finally {
        for (const gate of gates) await gate.close()
        await removeFolder(folder)
      }
    },
    TIMEOUT
  )
})

/** The connections of sessions that are over end by themselves. */
const allGone = async (agent: FakeAgent): Promise<void> => {
  for (const connection of agent.connections) await connection.ended
}

/** Replies of an agent that has lost its mind: faults, replies with their bytes spoiled, questions out of place. */
const madReply = (luck: Random, corpus: Corpus, sane: Handler | undefined): Handler => {
  const kind = luck.int(10)
  if (kind < 5 && sane !== undefined) return sane
  const lines = [
    "D abc",
    "S PROGRESS x 0 0",
    "S CACHE_NONCE ABCDEF",
    "INQUIRE PASSPHRASE",
    "INQUIRE CIPHERTEXT",
    "OK",
    "OK 616263",
    "ERR 67108881 No"
  ]
  const text = Array.from({ length: 1 + luck.int(4) }, () => luck.pick(lines))
  const bytes = Buffer.from(`${text.join("\n")}\n`)
  if (kind < 7) return { bytes: mutate(bytes, luck, corpus), thenClose: luck.chance(0.5) }
  const mad: ReadonlyArray<Reply> = [
    "close",
    faults.nonsense,
    faults.errZero,
    faults.errWithoutNumber,
    faults.longLine(1001),
    faults.longLine(1002),
    faults.twice(["OK"]),
    faults.unsolicited(luck.pick(["CONFIRM 1", "NOSUCH", "PASSPHRASE", "PINENTRY_LAUNCHED 1"]), ["OK"]),
    faults.dieAfter(luck.int(20), ["D abcdefg", "S X 1", "OK"]),
    faults.noLineEnd(3_000)
  ]
  return luck.pick(mad)
}

/** A reply in time, for a command that an agent never finishes otherwise. */
const closing = (handler: Handler): Handler => async (line, connection) => {
  const reply = typeof handler === "function" ? await handler(line, connection) : handler
  // what says nothing final would leave the client waiting, as it would without a gate
  setTimeout(() => connection.destroy(), 50)
  return reply
}

describe("random sessions against an agent that has lost its mind", () => {
  const sessions = Math.ceil(SESSIONS / 10)
  it(`${sessions} of them: one reply for each command all the same, and the gate serves the next client`, async () => {
    const corpus = await readCorpus()
    const luck = random(SEED)
    const folder = await makeFolder("gz")
    const socket = join(folder, "S.gpg-agent")
    await using gate = await startTestGate({ agent: socket, logLevel: 3, limits: { greeting: 500 } })
    try {
      for (let run = 0; run < sessions; run += 50) {
        const mad = commands.filter(({ name }) => name !== "OPTION" && name !== "GETINFO").map(({ name }) =>
          [name, closing(madReply(luck, corpus, handlers[name] ?? ["OK"]))] as const
        )
        await using agent = await startBusyAgent({ socket, handlers: Object.fromEntries(mad) })
        const seeds = Array.from({ length: 50 }, (_, index) => SEED + run + index)
        await runAll(seeds, (seed) => runSession(gate.socket, seed, corpus))
        await agent.close()
      }
      await using agent = await startBusyAgent({ socket })
      await assertServes(gate)
      await using client = await gate.client()
      await assertTalk(client, [`SIGKEY ${grips.plain.primary}`, "OK"], [`SETHASH 8 ${DIGEST}`, "OK"], ["PKSIGN", "OK"])
      assertCanonical(agent)
      assertNoBug(gate)
    } finally {
      await removeFolder(folder)
    }
  }, TIMEOUT)
})
