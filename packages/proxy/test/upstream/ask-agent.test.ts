// What is asked of an agent that hangs: bounded in time, and nothing of it is left.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { type AgentConnection, type Answer, type NoAgent, noAgent } from "../../src/upstream/agent.ts"
import { askAgent } from "../../src/upstream/ask-agent.ts"
import { checkPassphrase } from "../../src/upstream/check-passphrase.ts"
import { A } from "../grant/place.ts"

/** A connection that asks for the passphrase and then hangs. */
const hanging = () => {
  const sent: Array<Buffer> = []
  const seen = { closed: 0, sent }
  const asks: Answer = { kind: "inquire", keyword: "PASSPHRASE", args: "", maxLength: 255, shows: undefined }
  const connection = {
    exchange: () => Effect.succeed(asks),
    answer: (lines: Buffer) =>
      Effect.suspend(() => {
        sent.push(lines)
        return Effect.never
      }),
    close: () => void seen.closed++
  } as unknown as AgentConnection
  return { seen, connect: Effect.succeed(connection) as Effect.Effect<AgentConnection, NoAgent> }
}

const check = ({ connect }: ReturnType<typeof hanging>) =>
  askAgent(connect, (connection) => Effect.gen(() => checkPassphrase(connection, A, Buffer.from("abc"))))

describe("askAgent", () => {
  it.effect("waits 10 s for the agent, wherever it runs, and closes the connection", () =>
    Effect.gen(function*() {
      const agent = hanging()
      const asking = yield* Effect.forkChild(Effect.flip(Effect.uninterruptible(check(agent))))
      yield* TestClock.adjust(9_999)
      assert.deepStrictEqual([asking.pollUnsafe(), agent.seen.closed], [undefined, 0])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(asking), noAgent("it does not answer within 10 s"))
      assert.strictEqual(agent.seen.closed, 1)
      assert.deepStrictEqual(agent.seen.sent.map((bytes) => bytes.every((byte) => byte === 0)), [true])
    }))

  it.effect("closes the connection of whoever is interrupted, and wipes the passphrase on its way", () =>
    Effect.gen(function*() {
      const agent = hanging()
      const asking = yield* Effect.forkChild(check(agent))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(agent.seen.sent.map(String), ["D abc\nEND\n"])
      yield* Fiber.interrupt(asking)
      assert.strictEqual(agent.seen.closed, 1)
      assert.deepStrictEqual(agent.seen.sent.map((bytes) => bytes.every((byte) => byte === 0)), [true])
    }))
})
