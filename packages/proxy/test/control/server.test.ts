// The control socket of a gate, and what raw clients do to it. A client of ours: client.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { lstatSync, readdirSync } from "node:fs"
import * as net from "node:net"
import { dirname, join } from "node:path"
import { MAX_REQUEST_LINE } from "../../src/control/message/envelope.ts"
import { serveControl } from "../../src/control/server.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { options, status, verbs } from "../support/status.ts"

const { layer } = recordingLog()

const gate = Effect.gen(function*() {
  const path = join(yield* scratch, "control")
  yield* serveControl(options(path))
  return path
}).pipe(Effect.provide(layer))

/** Everything that comes until the gate closes. `send` says what to do once connected. */
const converse = (path: string, send: (socket: net.Socket) => void) =>
  Effect.callback<string>((resume) => {
    let text = ""
    const socket = net.connect(path, () => send(socket))
    socket.on("data", (chunk) => text += chunk.toString("latin1"))
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(`${text}${error.code}`)))
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

const request = "{\"v\":1,\"verb\":\"status\"}\n"
const good = `${JSON.stringify({ v: 1, ok: true, result: status })}\n`
const refusal = (error: string) => `${JSON.stringify({ v: 1, ok: false, fault: "refused", error })}\n`
const notJson = refusal("expected a line of JSON like {\"v\":1,\"verb\":\"status\"}")

describe("serveControl", () => {
  it.live("answers a request, on a socket that only its user can reach", () =>
    Effect.gen(function*() {
      const path = yield* gate
      assert.strictEqual(lstatSync(path).mode & 0o7777, 0o600)
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      assert.strictEqual(yield* converse(path, (socket) => socket.end(request)), good, "closed after asking")
    }))

  it.live("takes a request in any pieces, and drops what follows it", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const bytes = (socket: net.Socket) =>
        [...request].reduce((before, byte) =>
          before.then(() =>
            new Promise((resolve) => {
              socket.write(byte)
              setImmediate(resolve)
            })
          ), Promise.resolve<unknown>(undefined))
      assert.strictEqual(yield* converse(path, (socket) => void bytes(socket)), good)
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request.repeat(1000))), good)
    }))

  it.live("says what is wrong with a line", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const garbage = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => i !== 0x0a))
      for (const line of ["\n", "GETINFO pid\n", Buffer.concat([garbage, Buffer.from("\n")])]) {
        assert.strictEqual(yield* converse(path, (socket) => socket.write(line)), notJson)
      }
      const version = yield* converse(path, (socket) => socket.write("{\"v\":7,\"verb\":\"status\"}\n"))
      assert.strictEqual(version, refusal("this gate speaks version 1 of the control messages"))
    }))

  it.live("says that a line is half, or that there is none", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const half = yield* converse(path, (socket) => socket.end("{\"v\":1"))
      assert.strictEqual(half, refusal("the connection was closed in mid-line"))
      const none = yield* converse(path, (socket) => socket.end())
      assert.strictEqual(none, refusal("the connection was closed without a line"))
    }))

  it.live("takes a line of 64 KiB and refuses a longer one, also one without end", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const longest = request.trimEnd().padEnd(MAX_REQUEST_LINE - 1) + "\n"
      assert.strictEqual(longest.length, MAX_REQUEST_LINE)
      assert.strictEqual(yield* converse(path, (socket) => socket.write(longest)), good)
      const refused = refusal("the line is longer than 65536 bytes")
      assert.strictEqual(yield* converse(path, (socket) => socket.write(` ${longest}`)), refused)
      const endless = yield* converse(path, (socket) => {
        const chunk = Buffer.alloc(65536, "x")
        const feed = () => {
          while (socket.writable && socket.write(chunk));
        }
        socket.on("drain", feed)
        feed()
      })
      assert.match(endless, /^\{"v":1,"ok":false,"fault":"refused","error":"the line is longer than 65536 bytes"\}\n/)
    }))

  it.effect("waits 5 s for a request, and not longer for one that drips in", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const connected = Promise.withResolvers<net.Socket>()
      const silent = yield* Effect.forkChild(converse(path, () => {}))
      const dripping = yield* Effect.forkChild(converse(path, connected.resolve))
      const socket = yield* Effect.promise(() => connected.promise)
      // both are accepted by the time that a third one has its answer
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      for (let i = 0; i < 4; i++) {
        socket.write("{")
        yield* TestClock.adjust(1_000)
      }
      assert.deepStrictEqual([silent.pollUnsafe(), dripping.pollUnsafe()], [undefined, undefined])
      yield* TestClock.adjust(1_000)
      const late = refusal("no request came within 5 s")
      assert.strictEqual(yield* Fiber.join(silent), late)
      assert.strictEqual(yield* Fiber.join(dripping), late)
    }))

  it.effect("does not wait for ever until an answer is taken", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const closed = Promise.withResolvers<void>()
      const socket = net.connect({ path, allowHalfOpen: true })
      socket.on("error", () => {}).on("close", closed.resolve)
      const ended = new Promise((resolve) => socket.on("end", resolve))
      socket.resume().write(request)
      yield* Effect.promise(() => ended)
      yield* TestClock.adjust(10_000)
      // the gate is gone; a write tells
      const poke = setInterval(() => socket.write("x"), 5)
      yield* Effect.promise(() => closed.promise)
      clearInterval(poke)
    }))

  it.live("serves on beside many idle clients, and closes the thirty-third", () =>
    Effect.gen(function*() {
      const path = yield* gate
      const idle = Array.from({ length: 32 }, () => net.connect(path).on("error", () => {}).resume())
      yield* Effect.promise(() =>
        Promise.all(idle.map((socket) => new Promise((resolve) => socket.on("connect", resolve))))
      )
      assert.notStrictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      idle[0]!.end()
      yield* Effect.promise(() => new Promise((resolve) => idle[0]!.on("close", resolve)))
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      for (const socket of idle) socket.destroy()
    }))

  it.live("keeps places for what needs no agent, beside many whose plans hang, and frees those of who has gone", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      let busy = 0
      const hung = Effect.acquireUseRelease(
        Effect.sync(() => busy++),
        () => Effect.never,
        () => Effect.sync(() => busy--)
      )
      yield* serveControl(options(path, { verbs: verbs({ plan: () => hung }) }))
      const plan = `${JSON.stringify({ v: 1, verb: "plan", what: { id: "AB23" } })}\n`
      const hanging = Array.from({ length: 16 }, () => {
        const socket = net.connect(path, () => void socket.write(plan)).on("error", () => {}).resume()
        return socket
      })
      const until = (number: number) =>
        Effect.promise(async () => {
          while (busy !== number) await new Promise((resolve) => setTimeout(resolve, 5))
        })
      yield* until(16)
      const full = refusal("too many wait for a grant at this moment")
      for (let i = 0; i < 20; i++) {
        assert.strictEqual(yield* converse(path, (socket) => socket.write(plan)), full)
        assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      }
      // one goes, another closes its end only
      hanging[0]!.destroy()
      hanging[1]!.end()
      yield* until(14)
      for (const socket of hanging) socket.destroy()
      yield* until(0)
    }).pipe(Effect.provide(layer)))

  it.live("turns away at once whoever may not ask, so that many of them keep no place from an owner", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      let owner = false
      const denied = () => owner ? undefined : { error: "only an owner may", hint: "be one" }
      yield* serveControl(options(path, { denied }))
      // none of them says anything, or leaves
      const idle = Array.from({ length: 70 }, () => {
        const socket = net.connect({ path, allowHalfOpen: true }).on("error", () => {})
        const told = new Promise<string>((resolve) => socket.once("data", (data) => resolve(data.toString())))
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
        return { socket, told, closed }
      })
      for (const { told } of idle) {
        assert.include(yield* Effect.promise(() => told), "only an owner may")
      }
      owner = true
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      for (const { socket } of idle) socket.destroy()
    }).pipe(Effect.provide(layer)))

  it.live("closes unheard what is too much to find out about, and has places again afterwards", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const settle = Promise.withResolvers<void>()
      const facts = () => Effect.as(Effect.promise(() => settle.promise), { socket: path, chain: [], uid: 1000 })
      yield* serveControl(options(path, { facts }))
      const waiting = Array.from({ length: 32 }, () => net.connect(path).on("error", () => {}))
      yield* Effect.promise(() => Promise.all(waiting.map((socket) => new Promise((on) => socket.on("connect", on)))))
      assert.notInclude(yield* converse(path, (socket) => socket.write(request)), "{")
      settle.resolve()
      for (const socket of waiting) socket.destroy()
      const ask = converse(path, (socket) => socket.write(request))
      let said = yield* ask
      for (let i = 0; i < 500 && said !== good; i++) said = yield* Effect.andThen(Effect.sleep(10), ask)
      assert.strictEqual(said, good)
    }).pipe(Effect.provide(layer)))

  it.live("closes what is open when it ends, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const scope = yield* Scope.make()
      yield* Scope.provide(scope)(serveControl(options(path)))
      const connected = Promise.withResolvers<void>()
      const open = yield* Effect.forkChild(converse(path, () => connected.resolve()))
      yield* Effect.promise(() => connected.promise)
      assert.strictEqual(yield* converse(path, (socket) => socket.write(request)), good)
      yield* Scope.close(scope, Exit.void)
      assert.notInclude(yield* Fiber.join(open), "{")
      assert.deepStrictEqual(readdirSync(dirname(path)), [])
    }).pipe(Effect.provide(layer)))

  it.live("says nothing to a peer that may not ask, and does nothing for it", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      let asked = 0
      const counting = verbs({ status: () => Effect.sync(() => (asked++, status)) })
      const denied = () => ({ error: "only an owner may", hint: "be one" })
      yield* serveControl(options(path, { verbs: counting, denied }))
      const said = { v: 1, ok: false, fault: "notPermitted", error: "only an owner may", hint: "be one" }
      for (const line of [request, "{\"v\":1,\"verb\":\"watch\"}\n", "nonsense\n"]) {
        assert.strictEqual(yield* converse(path, (socket) => socket.write(line)), `${JSON.stringify(said)}\n`)
      }
      assert.strictEqual(asked, 0)
    }).pipe(Effect.provide(layer)))

  it.live("tells a watcher at once and at each change, until it goes or may not any more", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "control")
      const listeners = new Set<() => void>()
      let allowed = true
      yield* serveControl(options(path, {
        verbs: verbs({
          watch: (listener) => {
            listeners.add(listener)
            return () => void listeners.delete(listener)
          }
        }),
        denied: () => allowed ? undefined : { error: "no more", hint: "sorry" }
      }))
      let text = ""
      const lines = () => text.split("\n").slice(0, -1)
      const until = (count: number) =>
        Effect.promise(async () => {
          while (lines().length < count) await new Promise((resolve) => setTimeout(resolve, 5))
        })
      const socket = net.connect(path, () => socket.write("{\"v\":1,\"verb\":\"watch\"}\n"))
      socket.on("data", (chunk) => text += chunk.toString())
      const closed = new Promise((resolve) => socket.on("close", resolve))
      yield* until(1)
      assert.deepInclude(JSON.parse(lines()[0]!), { v: 1, ok: true })
      // many changes at once are one line
      for (let i = 0; i < 100; i++) listeners.forEach((listener) => listener())
      yield* until(2)
      yield* Effect.sleep(120)
      assert.lengthOf(lines(), 2)
      // others are served beside it
      assert.strictEqual(yield* converse(path, (other) => other.write(request)), good)
      allowed = false
      listeners.forEach((listener) => listener())
      yield* Effect.promise(() => closed)
      assert.deepInclude(JSON.parse(lines()[2]!), { ok: false, fault: "notPermitted", error: "no more" })
      // the other end of the connection hears of it a moment later
      while (listeners.size > 0) yield* Effect.sleep(5)
    }).pipe(Effect.provide(layer)))

  it.live("lives through a bug in what it reports, and says so in the log", () =>
    Effect.gen(function*() {
      const recorded = recordingLog()
      const path = join(yield* scratch, "control")
      const broken = () => {
        throw new Error("no policy")
      }
      yield* Effect.provide(serveControl(options(path, { verbs: verbs({ status: broken }) })), recorded.layer)
      assert.strictEqual(yield* converse(path, (socket) => socket.end(request)), "")
      assert.deepStrictEqual(recorded.lines, [[3, "a bug in the control socket: Error: no policy"]])
    }))
})
