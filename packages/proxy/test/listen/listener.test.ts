// Real sockets, and real processes where it takes more than one.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { listen, ListenError, type ListenOptions, type OnConnection } from "../../src/listen/listener.ts"
import type { LogService } from "../../src/log.ts"
import { startChild } from "../support/child.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

const { layer } = recordingLog()
const withLog = <A, E, R>(effect: Effect.Effect<A, E, R | LogService>) => Effect.provide(effect, layer)

const hello: OnConnection = (socket) => socket.on("error", () => {}).end("hello\n")

/** What a client reads until the other end closes; the error's code where it cannot connect. */
const read = (path: string): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    let text = ""
    const socket = net.connect(path)
    socket.on("data", (chunk) => text += chunk.toString())
    socket.on("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "")))
    socket.on("end", () => resume(Effect.succeed(text)))
  })

const refusal = (options: ListenOptions) => Effect.flip(Effect.scoped(listen(options, hello)))

/** A server that is none of ours, at a path or at a name that is then moved there. */
const stranger = (path: string, greeting = "stranger\n") =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer((socket) => void socket.on("error", () => {}).end(greeting))
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

/** A socket file whose owner is gone: its process was killed. */
const leaveStale = (path: string) =>
  Effect.scoped(Effect.gen(function*() {
    const child = yield* startChild("listen-program.ts")
    yield* child.hear
    assert.deepStrictEqual(yield* child.ask({ path }), { ok: true })
    yield* child.kill("SIGKILL")
    assert.isTrue(fs.lstatSync(path).isSocket())
    assert.strictEqual(yield* read(path), "ECONNREFUSED")
  }))

describe("listen", () => {
  it.live("hands out connections, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "S")
      yield* Effect.scoped(Effect.gen(function*() {
        assert.deepStrictEqual(yield* listen({ path }, hello), { path })
        assert.strictEqual(yield* read(path), "hello\n")
      }))
      assert.deepStrictEqual(fs.readdirSync(dir), [])
    }).pipe(withLog))

  it.live("lets a client that has closed its writing side read on", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      yield* listen({ path }, (socket) => {
        socket.on("data", () => {}).on("end", () => socket.end("after the end\n"))
      })
      const text = yield* Effect.callback<string>((resume) => {
        const socket = net.connect(path)
        socket.on("data", (chunk) => resume(Effect.succeed(chunk.toString())))
        socket.end("x")
      })
      assert.strictEqual(text, "after the end\n")
    }).pipe(withLog))

  it.live("leaves connections alone when it ends", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const scope = yield* Scope.make()
      const accepted = Promise.withResolvers<net.Socket>()
      yield* Scope.provide(scope)(listen({ path }, accepted.resolve))
      const client = net.connect(path)
      const server = yield* Effect.promise(() => accepted.promise)
      yield* Scope.close(scope, Exit.void)
      server.end("still here\n")
      const text = yield* Effect.callback<string>((resume) => {
        client.on("data", (chunk) => resume(Effect.succeed(chunk.toString())))
      })
      client.destroy()
      assert.strictEqual(text, "still here\n")
    }).pipe(withLog))

  it.live("makes directories that are missing 0700, and does not touch those that are there", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      fs.chmodSync(dir, 0o755)
      yield* listen({ path: join(dir, "a", "b", "S") }, hello)
      const modes = ["", "a", "a/b"].map((name) => fs.statSync(join(dir, name)).mode & 0o7777)
      assert.deepStrictEqual(modes, [0o755, 0o700, 0o700])
    }).pipe(withLog))

  for (const mode of [0o600, 0o660]) {
    it.live(`is never seen with another mode than ${mode.toString(8)} at its name, and never wider at any`, () =>
      Effect.gen(function*() {
        const dir = yield* scratch
        const stop = new Int32Array(new SharedArrayBuffer(8))
        const worker = new Worker(new URL("../support/modes-worker.ts", import.meta.url), {
          workerData: { dir, name: "S.gpg-agent", stop }
        })
        const message = () => Effect.promise(() => new Promise((resolve) => worker.once("message", resolve)))
        yield* message()
        const umask = process.umask(0)
        // until the other thread has seen the name at all: on a busy machine it may not run for a while
        for (let i = 0; i < 100 || Atomics.load(stop, 1) === 0; i++) {
          yield* Effect.scoped(listen({ path: join(dir, "S.gpg-agent"), mode }, hello))
        }
        assert.strictEqual(process.umask(umask), 0, "the umask of the process is as it was")
        Atomics.store(stop, 0, 1)
        const modes = (yield* message()) as { named: ReadonlyArray<number>; other: ReadonlyArray<number> }
        assert.deepStrictEqual(modes.named, [mode])
        assert.deepStrictEqual(modes.other.filter((seen) => (seen & ~mode) !== 0), [])
      }).pipe(withLog))
  }

  it.live("replaces a socket whose process was killed, and its lock", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "S")
      yield* leaveStale(path)
      assert.deepStrictEqual(fs.readdirSync(dir).toSorted(), ["S", "S.lock"])
      yield* listen({ path }, hello)
      assert.strictEqual(yield* read(path), "hello\n")
      assert.strictEqual(fs.lstatSync(path).mode & 0o7777, 0o600)
    }).pipe(withLog))

  it.live("refuses a path where another gate listens, names it, and does it no harm", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const child = yield* startChild("listen-program.ts")
      yield* child.hear
      yield* child.ask({ path })
      const error = yield* refusal({ path })
      assert.instanceOf(error, ListenError)
      assert.strictEqual(error.message, `somebody listens at ${path} already (pid ${child.pid})`)
      assert.isDefined(error.hint)
      assert.strictEqual(yield* read(path), `${child.pid}\n`)
    }).pipe(withLog))

  it.live("refuses a path where some other program listens, and the same path twice", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "S")
      yield* stranger(path)
      assert.strictEqual((yield* refusal({ path })).message, `somebody listens at ${path} already`)
      assert.strictEqual(yield* read(path), "stranger\n")
      const own = join(dir, "own")
      yield* listen({ path: own }, hello)
      const again = yield* refusal({ path: own })
      assert.strictEqual(again.message, `somebody listens at ${own} already (pid ${process.pid})`)
      assert.strictEqual(yield* read(own), "hello\n")
    }).pipe(withLog))

  it.live("can be tried again in the same scope after a refusal", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      yield* Effect.scoped(Effect.andThen(stranger(path), Effect.flip(listen({ path }, hello))))
      yield* listen({ path }, hello)
      assert.strictEqual(yield* read(path), "hello\n")
    }).pipe(withLog))

  it.live("leaves alone what is no socket", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const at = (name: string) => join(dir, name)
      fs.writeFileSync(at("file"), "%Assuan%\nsocket=/elsewhere\n")
      fs.mkdirSync(at("dir"))
      yield* stranger(at("served"))
      fs.symlinkSync("served", at("link"))
      fs.symlinkSync("nothing", at("dangling"))
      const kinds = { file: "a regular file", dir: "a directory", link: "a symbolic link", dangling: "a symbolic link" }
      for (const [name, kind] of Object.entries(kinds)) {
        const before = fs.lstatSync(at(name)).ino
        const error = yield* refusal({ path: at(name) })
        assert.strictEqual(error.message, `${at(name)} is ${kind}, not a socket, and is left alone`)
        assert.strictEqual(fs.lstatSync(at(name)).ino, before)
      }
      assert.strictEqual(fs.readFileSync(at("file"), "latin1"), "%Assuan%\nsocket=/elsewhere\n")
      const names = ["dangling", "dir", "file", "link", "served"]
      assert.deepStrictEqual(fs.readdirSync(dir).toSorted(), names)
    }).pipe(withLog))

  it.live("takes a path of 107 bytes and refuses one of 108, before anything is made", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const longest = join(dir, "d".repeat(107 - dir.length - 2 - 20), "s".repeat(20))
      assert.strictEqual(longest.length, 107)
      const error = yield* refusal({ path: `${longest}x` })
      const message = `a socket's path has at most 107 bytes here, this one has 108: ${longest}x`
      assert.strictEqual(error.message, message)
      assert.deepStrictEqual(fs.readdirSync(dir), [])
      yield* listen({ path: longest }, hello)
      assert.strictEqual(yield* read(longest), "hello\n")
    }).pipe(withLog))

  it.live("counts bytes and not characters", () =>
    Effect.gen(function*() {
      const path = `/tmp/${"\u00fc".repeat(60)}`
      const error = yield* refusal({ path })
      assert.match(error.message, /, this one has 125: /)
    }).pipe(withLog))

  it.live("says why a directory cannot be made", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      fs.writeFileSync(join(dir, "file"), "")
      const error = yield* refusal({ path: join(dir, "file", "sub", "S") })
      assert.strictEqual(error.message, `the directory ${join(dir, "file", "sub")} cannot be made: not a directory`)
    }).pipe(withLog))

  it.live("does not remove the socket of a successor", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "S")
      for (const how of ["renamed over", "removed and bound again"]) {
        const scope = yield* Scope.make()
        yield* Scope.provide(scope)(listen({ path }, hello))
        yield* Effect.scoped(Effect.gen(function*() {
          if (how === "renamed over") {
            // closing, Node removes the name that it was given, and not this one
            yield* stranger(join(dir, "new"))
            fs.renameSync(join(dir, "new"), path)
          } else {
            fs.unlinkSync(path)
            yield* stranger(path)
          }
          yield* Scope.close(scope, Exit.void)
          assert.strictEqual(yield* read(path), "stranger\n", how)
        }))
        fs.rmSync(path, { force: true })
      }
    }).pipe(withLog))

  it.live("does not remove a successor's socket either when the process ends by itself", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const child = yield* startChild("listen-program.ts")
      yield* child.hear
      yield* child.ask({ path })
      fs.unlinkSync(path)
      yield* stranger(path)
      child.process.send({ leave: true })
      assert.deepStrictEqual(yield* child.exited, { code: 0, signal: null })
      assert.strictEqual(yield* read(path), "stranger\n")
    }).pipe(withLog))

  it.live("lets exactly one of two processes win that start at the same moment", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const children = [yield* startChild("listen-program.ts"), yield* startChild("listen-program.ts")]
      for (const child of children) yield* child.hear
      for (let round = 0; round < 40; round++) {
        const path = join(dir, `S${round}`)
        // an unlinked socket of ours keeps its file when it is closed: as stale as one after a kill
        if (round % 2 === 1) {
          yield* Effect.scoped(
            Effect.andThen(stranger(`${path}.old`), Effect.sync(() => fs.linkSync(`${path}.old`, path)))
          )
          assert.strictEqual(yield* read(path), "ECONNREFUSED")
        }
        const at = Date.now() + 20
        const answers = yield* Effect.all(children.map((child) => child.ask({ path, at })), { concurrency: 2 })
        const won = answers.map((answer) => (answer as { ok: boolean }).ok)
        assert.deepStrictEqual(won.toSorted(), [false, true], `round ${round}: ${JSON.stringify(answers)}`)
        assert.strictEqual(yield* read(path), `${children[won.indexOf(true)]!.pid}\n`)
        const message = (answers[won.indexOf(false)] as { message: string }).message
        assert.match(message, new RegExp(`^somebody listens at ${path} already`))
        for (const child of children) yield* child.ask({ close: true })
        assert.deepStrictEqual(fs.readdirSync(dir), [])
      }
    }).pipe(withLog))

  it.live("listens on after a time without file descriptors", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const child = yield* startChild("listen-program.ts", { openFiles: 80 })
      yield* child.hear
      yield* child.ask({ path })
      assert.deepStrictEqual(yield* child.ask({ hoard: true }), { code: "EMFILE" })
      assert.strictEqual(yield* read(path), "", "turned away")
      yield* child.ask({ hoard: false })
      assert.strictEqual(yield* read(path), `${child.pid}\n`)
    }).pipe(withLog))
})
