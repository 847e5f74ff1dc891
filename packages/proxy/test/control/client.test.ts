// What the command line gets from a gate, and from whatever else may be at its path.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { askControl, watchControl } from "../../src/control/client.ts"
import { serveControl } from "../../src/control/server.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { options, status, verbs } from "../support/status.ts"

/** Somebody else's server. */
const server = (path: string, onConnection: (socket: net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.callback<ReadonlySet<net.Socket>>((resume) => {
      const sockets = new Set<net.Socket>()
      const server = net.createServer((socket) => {
        sockets.add(socket.on("error", () => {}))
        onConnection(socket)
      })
      server.listen(path, () => resume(Effect.succeed(Object.assign(sockets, { server }))))
    }),
    (sockets) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        ;(sockets as unknown as { server: net.Server }).server.close()
      })
  )

const failure = (path: string) => Effect.flip(askControl(path, { verb: "status" }))

describe("askControl", () => {
  it.live("gets the status of a gate", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      yield* serveControl(options(path))
      assert.deepStrictEqual(yield* askControl(path, { verb: "status" }), status)
      const many = yield* Effect.all(Array.from({ length: 10 }, () => askControl(path, { verb: "status" })), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(many, Array(10).fill(status))
    }).pipe(Effect.provide(recordingLog().layer)))

  it.live("says that no gate runs, and how to start one", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const stale = join(dir, "stale")
      yield* Effect.scoped(
        Effect.andThen(server(`${stale}-`, () => {}), Effect.sync(() => fs.linkSync(`${stale}-`, stale)))
      )
      for (const path of [join(dir, "none"), stale]) {
        const error = yield* failure(path)
        assert.strictEqual(error.message, `no gate runs at ${path}`)
        assert.strictEqual(error.reason, "unreachable")
        assert.strictEqual(error.hint, "start one with: gripgate serve")
      }
      fs.writeFileSync(join(dir, "file"), "")
      const error = yield* failure(join(dir, "file", "control"))
      assert.strictEqual(
        error.message,
        `the gate at ${join(dir, "file", "control")} cannot be reached: not a directory`
      )
      assert.strictEqual(error.reason, "unreachable")
    }))

  it.live("hands on what a gate refuses", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      yield* serveControl(options(path))
      const error = yield* Effect.flip(askControl(path, { verb: "revoke", what: { all: true } }))
      assert.deepInclude(error, { message: "not here", hint: "there", reason: "refused" })
      const other = join(yield* scratch, "control")
      yield* serveControl(options(other, { denied: () => ({ error: "no owner", hint: "be one" }) }))
      assert.deepInclude(yield* failure(other), { message: "no owner", hint: "be one", reason: "notPermitted" })
    }).pipe(Effect.provide(recordingLog().layer)))

  it.live("does not take anything else for an answer", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const cases: ReadonlyArray<readonly [(socket: net.Socket) => void, string]> = [
        [(socket) => socket.write("OK Pleased to meet you\n"), "it is of another version, or no gate"],
        [(socket) => socket.write("{\"v\":2}\n"), "it is of another version, or no gate"],
        [(socket) => socket.write("x".repeat(5_000_000)), "the line is longer than 4194304 bytes"],
        [(socket) => socket.end("{\"v\":1,"), "the connection was closed in mid-line"],
        [(socket) => socket.end(), "the connection was closed without a line"]
      ]
      for (const [i, [answer, what]] of cases.entries()) {
        const path = join(dir, String(i))
        yield* server(path, answer)
        const error = yield* failure(path)
        assert.strictEqual(error.message, `expected the answer of a gate at ${path}: ${what}`)
        assert.strictEqual(error.reason, "misunderstood")
      }
    }))

  it.effect("waits 5 s for a gate that says nothing", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const asked = Promise.withResolvers<void>()
      yield* server(path, (socket) => socket.on("data", () => asked.resolve()))
      const fiber = yield* Effect.forkChild(failure(path))
      yield* Effect.promise(() => asked.promise)
      yield* TestClock.adjust(4_999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      const message = `expected the answer of a gate at ${path}: nothing came within 5 s`
      assert.strictEqual((yield* Fiber.join(fiber)).message, message)
    }))
})

describe("watchControl", () => {
  it.live("gets a snapshot at once and at each change, and fails when the gate is gone", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const scope = yield* Scope.make()
      let change = () => {}
      let decided = 0
      const counting = verbs({
        watch: (listener) => {
          change = listener
          return () => {}
        },
        snapshot: () => ({
          at: String(decided++),
          asks: [],
          decided: [],
          paused: [],
          owner: { display: null, tty: null }
        })
      })
      yield* Scope.provide(scope)(serveControl(options(path, { verbs: counting })))
      const queue = yield* watchControl(path)
      assert.strictEqual((yield* Queue.take(queue)).at, "0")
      change()
      assert.strictEqual((yield* Queue.take(queue)).at, "1")
      yield* Scope.close(scope, Exit.void)
      const error = yield* Effect.flip(Queue.take(queue))
      assert.deepInclude(error, { reason: "unreachable", message: `the gate at ${path} has gone` })
    }).pipe(Effect.scoped, Effect.provide(recordingLog().layer)))

  it.live("fails with what a gate refuses", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      yield* serveControl(options(path, { denied: () => ({ error: "no owner", hint: "be one" }) }))
      const queue = yield* watchControl(path)
      assert.deepInclude(yield* Effect.flip(Queue.take(queue)), { reason: "notPermitted", message: "no owner" })
    }).pipe(Effect.scoped, Effect.provide(recordingLog().layer)))
})
