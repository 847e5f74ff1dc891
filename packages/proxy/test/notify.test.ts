// What systemd hears, at a socket of the test's own.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import { native } from "../src/native.ts"
import { notify } from "../src/notify.ts"
import { receiver } from "./support/receiver.ts"
import { recordingLog } from "./support/recording-log.ts"
import { scratch } from "./support/scratch.ts"

/** $NOTIFY_SOCKET for the rest of the test. */
const notifySocket = (address: string | undefined) => {
  const set = (value: string | undefined) => {
    if (value === undefined) delete process.env["NOTIFY_SOCKET"]
    else process.env["NOTIFY_SOCKET"] = value
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      const before = process.env["NOTIFY_SOCKET"]
      set(address)
      return before
    }),
    (before) => Effect.sync(() => set(before))
  )
}

describe("notify", () => {
  it.live("tells systemd at a path and at an abstract name", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      for (const address of [join(yield* scratch, "notify"), `@gripgate-notify-${process.pid}`]) {
        yield* notifySocket(address)
        const { receive } = yield* receiver(address)
        yield* Effect.provide(notify("READY=1"), layer)
        assert.strictEqual(receive()?.toString(), "READY=1\n")
        yield* Effect.provide(notify("STOPPING=1"), layer)
        assert.strictEqual(receive()?.toString(), "STOPPING=1\n")
        assert.isUndefined(receive())
      }
      assert.deepStrictEqual(lines, [])
    }))

  it.live("sends the time of CLOCK_MONOTONIC with a reload", () =>
    Effect.gen(function*() {
      const address = join(yield* scratch, "notify")
      yield* notifySocket(address)
      const { receive } = yield* receiver(address)
      const before = process.hrtime.bigint() / 1000n
      yield* Effect.provide(notify("RELOADING=1"), recordingLog().layer)
      const after = process.hrtime.bigint() / 1000n
      const time = BigInt(/^RELOADING=1\nMONOTONIC_USEC=(\d+)\n$/.exec(receive()?.toString() ?? "")![1]!)
      assert.isTrue(before <= time && time <= after, `${before} <= ${time} <= ${after}`)
    }))

  it.live("does not let a status begin another assignment", () =>
    Effect.gen(function*() {
      const address = join(yield* scratch, "notify")
      yield* notifySocket(address)
      const { receive } = yield* receiver(address)
      yield* Effect.provide(notify("STATUS=3 sessions\nMAINPID=1"), recordingLog().layer)
      assert.strictEqual(receive()?.toString(), "STATUS=3 sessions MAINPID=1\n")
    }))

  it.live("does nothing where nobody asked", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      for (const address of [undefined, ""]) {
        yield* notifySocket(address)
        yield* Effect.provide(notify("READY=1"), layer)
      }
      assert.deepStrictEqual(lines, [])
    }))

  it.live("says in the log why systemd cannot be told, and goes on", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      const reasons = {
        [join(yield* scratch, "none")]: "no such file or directory",
        "@gripgate-nobody": "connection refused",
        "vsock:2:1234": "address family not supported",
        "relative": "address family not supported",
        [`/${"x".repeat(200)}`]: "name too long"
      }
      for (const address of Object.keys(reasons)) {
        yield* notifySocket(address)
        yield* Effect.provide(notify("READY=1"), layer)
      }
      const expected = Object.entries(reasons).map(([address, reason]) =>
        [4, `systemd cannot be told READY=1 at ${address}: ${reason}`] as const
      )
      assert.deepStrictEqual(lines, expected)
    }))

  it.effect("waits a second for a queue that is full, and then gives up", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      const address = join(yield* scratch, "notify")
      yield* notifySocket(address)
      const { receive } = yield* receiver(address)
      const fill = () => {
        while (native.sendto(address, Buffer.from("x")) === undefined);
      }
      fill()
      const given = yield* Effect.forkChild(Effect.provide(notify("READY=1"), layer))
      yield* TestClock.adjust(500)
      receive()
      yield* TestClock.adjust(100)
      assert.isDefined(given.pollUnsafe(), "it was told as soon as there was room")
      assert.deepStrictEqual(lines, [])
      fill()
      const inVain = yield* Effect.forkChild(Effect.provide(notify("READY=1"), layer))
      yield* TestClock.adjust(900)
      assert.isUndefined(inVain.pollUnsafe())
      yield* TestClock.adjust(200)
      assert.isDefined(inVain.pollUnsafe())
      assert.match(lines[0]![1], /^systemd cannot be told READY=1 at /)
    }))
})
