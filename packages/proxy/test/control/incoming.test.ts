// What comes over a control socket, in whatever pieces, and what is left of a secret.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import fc from "fast-check"
import { EventEmitter } from "node:events"
import type * as net from "node:net"
import { Incoming } from "../../src/control/incoming.ts"

/** A socket into which a test puts chunks, and looks at them afterwards. */
const fakeSocket = () => {
  const events = new EventEmitter()
  const chunks: Array<Buffer> = []
  return {
    socket: Object.assign(events, { resume: () => {} }) as unknown as net.Socket,
    chunks,
    say: (bytes: string | Uint8Array) => {
      const chunk = Buffer.from(bytes as Uint8Array)
      chunks.push(chunk)
      events.emit("data", chunk)
    },
    end: () => events.emit("end"),
    fail: (error: Error) => events.emit("error", error)
  }
}

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Cuts bytes behind each of these places. */
const cut = (bytes: Buffer, places: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length))
}

describe("Incoming", () => {
  it("gives a line and the secrets behind it, however they are cut, and leaves nothing of them where they came in", () => {
    const parts = fc.record({
      line: fc.uint8Array({ maxLength: 40 }).map((bytes) => bytes.map((byte) => byte === 10 ? 11 : byte)),
      secrets: fc.array(fc.uint8Array({ minLength: 1, maxLength: 255 }), { maxLength: 3 }),
      places: fc.array(fc.nat({ max: 900 }), { maxLength: 12 })
    })
    fc.assert(
      fc.property(parts, ({ line, places, secrets }) => {
        const from = fakeSocket()
        const incoming = new Incoming(from.socket)
        const read = Effect.runFork(Effect.gen(function*() {
          const first = yield* incoming.line(100)
          const rest = yield* Effect.forEach(secrets, ({ length }) => incoming.secret(length))
          return [first, ...rest].map((each) => each.toString("hex"))
        }))
        for (const chunk of cut(Buffer.concat([line, Buffer.from("\n"), ...secrets]), places)) from.say(chunk)
        const exit = read.pollUnsafe()
        if (exit?._tag !== "Success") throw new Error("it waits for more")
        assert.deepStrictEqual(exit.value, [line, ...secrets].map((each) => Buffer.from(each).toString("hex")))
        assert.isTrue(from.chunks.every(isWiped))
      }),
      { seed: 1, numRuns: 300 }
    )
  })

  it.live("has secrets in memory of their own", () =>
    Effect.gen(function*() {
      const from = fakeSocket()
      from.socket.setMaxListeners(20)
      const incoming = new Incoming(from.socket)
      from.say("secret")
      const secret = yield* incoming.secret(6)
      assert.strictEqual(secret.toString(), "secret")
      assert.isAtLeast(secret.buffer.byteLength, 4096)
    }))

  it.live("wipes what came before the connection was closed, and says so without a byte of it", () =>
    Effect.gen(function*() {
      const from = fakeSocket()
      const incoming = new Incoming(from.socket)
      const reading = yield* Effect.forkChild(Effect.flip(incoming.secret(20)))
      yield* Effect.yieldNow
      from.say("hunter2")
      from.end()
      assert.strictEqual(yield* Fiber.join(reading), "the connection was closed before all of a secret had come")
      assert.isTrue(from.chunks.every(isWiped))
      assert.isTrue(incoming.isOver)
    }))

  it.live("wipes whatever comes once it is dropped, also what nobody has read", () =>
    Effect.gen(function*() {
      const from = fakeSocket()
      const incoming = new Incoming(from.socket)
      from.say("line\nhunter2")
      assert.strictEqual((yield* incoming.line(100)).toString(), "line")
      incoming.drop()
      from.say("hunter2")
      assert.isTrue(from.chunks.every(isWiped))
    }))

  it.live("tells once that the other end has closed or broken, to whoever waits for it", () =>
    Effect.gen(function*() {
      const from = fakeSocket()
      const incoming = new Incoming(from.socket)
      const waiting = yield* Effect.forkChild(incoming.gone)
      const line = yield* Effect.forkChild(Effect.flip(incoming.line(10)))
      yield* Effect.yieldNow
      from.fail(Object.assign(new Error(), { errno: -104, code: "ECONNRESET" }))
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* Fiber.join(line), "the connection broke: connection reset by peer")
      yield* incoming.gone
    }))

  it("gives every line, until it is stopped or one is too long", () => {
    const from = fakeSocket()
    const lines: Array<string> = []
    const ends: Array<string> = []
    new Incoming(from.socket).lines(6, (line) => lines.push(line.toString()), (reason) => ends.push(reason))
    from.say("a\nbb\ncc")
    from.say("cc\n")
    from.say("123456")
    from.say("d\n")
    assert.deepStrictEqual([lines, ends], [["a", "bb", "cccc"], ["the line is longer than 6 bytes"]])
  })
})
