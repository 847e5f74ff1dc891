// A name that others use too: taken in one step, kept against whoever takes it, and given back.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { asideOf, type Held, listenHeld } from "../../src/listen/held-socket.ts"
import { ListenError } from "../../src/listen/socket-file.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

const says = (word: string) => (socket: net.Socket): void => void socket.on("error", () => {}).end(word)

/** What a client is told there; the error's code where it cannot connect. */
const read = (path: string): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let text = ""
    const socket = net.connect(path)
    socket.on("data", (chunk) => text += chunk.toString())
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "")))
    socket.on("end", () => resume(Effect.succeed(text)))
  })

/** Waits until a client is told this. */
const until = (path: string, word: string): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; (yield* read(path)) !== word; i++) {
      assert.isBelow(i, 500, `nobody says ${word} at ${path}`)
      yield* Effect.sleep(10)
    }
  })

/** A server that listens at a name of its own and is then put at the path, as it is with a server that replaces another. */
const stranger = (path: string, word = "stranger") =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer(says(word))
      server.listen(`${path}.new`, () => {
        fs.linkSync(`${path}.new`, `${path}.put`)
        fs.renameSync(`${path}.put`, path)
        resume(Effect.succeed(server))
      })
    }),
    (server) => Effect.sync(() => server.close())
  )

/** Counts what it is called for; `room` may refuse. */
const holder = (room: () => ListenError | undefined = () => undefined) => {
  const calls: Array<string> = []
  const note = (what: string) => Effect.sync(() => void calls.push(what))
  const held: Held = {
    makeRoom: Effect.suspend(() => {
      const refused = room()
      return refused === undefined ? note("room") : Effect.fail(refused)
    }),
    taken: note("taken"),
    giveBack: note("back")
  }
  return { calls, held }
}

describe("listenHeld", () => {
  it.live("takes the place of whoever is there, gives it back at the end, and leaves nothing", () =>
    Effect.gen(function*() {
      const { layer } = recordingLog()
      const dir = yield* scratch
      const path = join(dir, "S")
      const { calls, held } = holder()
      yield* stranger(path)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* listenHeld({ path }, held, says("gate"))
        assert.strictEqual(yield* read(path), "gate")
        assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600)
        assert.deepStrictEqual(calls, ["room", "taken"])
      })).pipe(Effect.provide(layer))
      assert.deepStrictEqual(calls, ["room", "taken", "back"])
      assert.deepStrictEqual(fs.readdirSync(dir), ["S.new"], "nobody gave it back, so the name is gone with the gate")
    }))

  it.live("leaves the name to whoever it was given back to", () =>
    Effect.gen(function*() {
      const { layer } = recordingLog()
      const path = join(yield* scratch, "S")
      yield* stranger(path)
      fs.linkSync(path, `${path}.aside`)
      const { held } = holder()
      const giveBack = Effect.sync(() => fs.renameSync(`${path}.aside`, path))
      yield* Effect.scoped(listenHeld({ path }, { ...held, giveBack }, says("gate"))).pipe(Effect.provide(layer))
      assert.strictEqual(yield* read(path), "stranger")
    }))

  it.live("has the name again where it was removed, and where another has taken it, and says so", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      const path = join(yield* scratch, "S")
      const { calls, held } = holder()
      yield* Effect.gen(function*() {
        yield* listenHeld({ path }, held, says("gate"))
        fs.unlinkSync(path)
        yield* until(path, "gate")
        yield* stranger(path)
        yield* until(path, "gate")
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(calls, ["room", "taken", "room", "taken", "room", "taken"])
      assert.deepStrictEqual(lines.map(([, text]) => text), [
        `${path} was taken from the gate, and taken back`,
        `${path} was taken from the gate, and taken back`
      ])
    }))

  it.live("tells once of somebody who cannot be moved, has the name as soon as he is gone, and gives nothing back meanwhile", () =>
    Effect.gen(function*() {
      const { layer, lines } = recordingLog()
      const path = join(yield* scratch, "S")
      let refuses = false
      let last = 0
      const { calls, held } = holder(() => refuses ? new ListenError({ message: "there is a stranger" }) : undefined)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* listenHeld({ path }, held, says("gate"))
        refuses = true
        yield* Effect.scoped(Effect.gen(function*() {
          yield* stranger(path)
          while (lines.length === 0) yield* Effect.sleep(10)
          // looked at again, and not told again
          yield* Effect.sleep(1_500)
          assert.strictEqual(yield* read(path), "stranger")
        }))
        refuses = false
        yield* until(path, "gate")
        refuses = true
        yield* stranger(path)
        last = fs.statSync(path).ino
      })).pipe(Effect.provide(layer))
      assert.deepStrictEqual(lines.map(([, text]) => text).slice(0, 2), [
        "clients may go around the gate: there is a stranger",
        `${path} was taken from the gate, and taken back`
      ])
      assert.notInclude(calls, "back")
      assert.strictEqual(fs.statSync(path).ino, last, "who has it keeps it")
    }))

  it.live("takes nothing where there is no room, and leaves nothing", () =>
    Effect.gen(function*() {
      const { layer } = recordingLog()
      const dir = yield* scratch
      const path = join(dir, "S")
      yield* stranger(path)
      const before = fs.readdirSync(dir)
      const { calls, held } = holder(() => new ListenError({ message: "no" }))
      const error = yield* Effect.flip(Effect.scoped(listenHeld({ path }, held, says("gate")))).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(error.message, "no")
      assert.deepStrictEqual(calls, [])
      assert.deepStrictEqual(fs.readdirSync(dir), before)
      assert.strictEqual(yield* read(path), "stranger")
    }))

  it.live("is one for a path", () =>
    Effect.gen(function*() {
      const { layer } = recordingLog()
      const path = join(yield* scratch, "S")
      const { held } = holder()
      yield* listenHeld({ path }, held, says("gate")).pipe(Effect.provide(layer))
      const second = holder()
      const error = yield* Effect.flip(Effect.scoped(listenHeld({ path }, second.held, says("other")))).pipe(
        Effect.provide(layer)
      )
      assert.include(error.message, `somebody listens at ${path} already (pid ${process.pid})`)
      assert.deepStrictEqual(second.calls, [])
      assert.strictEqual(yield* read(path), "gate")
    }))

  it("has a name for the other that is not longer", () => {
    assert.strictEqual(asideOf("/h/S.gpg-agent"), "/h/S.gripgate")
    assert.strictEqual(asideOf("/h/S.gpg-agent.extra"), "/h/S.gripgate.extra")
    assert.strictEqual(asideOf("/h/elsewhere"), "/h/elsewhere.gripgate")
  })
})
