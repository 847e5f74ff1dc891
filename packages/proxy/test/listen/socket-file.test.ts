// What cannot be made to happen through a listener: somebody who comes between the look and the bind.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as net from "node:net"
import { basename, dirname, join } from "node:path"
import { ListenError, pathProblem, probe, publish, temporaryName, withdraw } from "../../src/listen/socket-file.ts"
import { startChild } from "../support/child.ts"
import { receiver } from "../support/receiver.ts"
import { scratch } from "../support/scratch.ts"

const serve = (path: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer()
      server.listen(path, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

const inode = (path: string): number => fs.lstatSync(path).ino

/** A socket at `path` whose server is closed: Node removes the name that it was given, the link stays. */
const leaveStale = (path: string) =>
  Effect.scoped(Effect.andThen(serve(`${path}-`), Effect.sync(() => fs.linkSync(`${path}-`, path))))

describe("probe", () => {
  it.live("tells nothing, a stale socket and a live one apart", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      assert.isUndefined(yield* probe(join(dir, "none")))
      yield* leaveStale(join(dir, "stale"))
      assert.strictEqual((yield* probe(join(dir, "stale")))?.ino, BigInt(inode(join(dir, "stale"))))
      yield* serve(join(dir, "live"))
      const error = yield* Effect.flip(probe(join(dir, "live")))
      assert.strictEqual(error.message, `somebody listens at ${join(dir, "live")} already`)
    }))
})

describe("probe of a socket that cannot be connected to", () => {
  it.live("takes one whose program is stopped, with its queue full, for a live one", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const child = yield* startChild("listen-program.ts")
      yield* child.hear
      yield* child.ask({ path })
      child.process.kill("SIGSTOP")
      const clients: Array<net.Socket> = []
      const refused = Promise.withResolvers<string | undefined>()
      for (let i = 0; i < 600; i++) {
        const client = net.connect(path)
        clients.push(client.on("error", (error: NodeJS.ErrnoException) => refused.resolve(error.code)))
      }
      assert.strictEqual(yield* Effect.promise(() => refused.promise), "EAGAIN")
      const error = yield* Effect.flip(probe(path))
      for (const client of clients) client.destroy()
      assert.strictEqual(error.message, `somebody listens at ${path} already`)
    }))

  it.live("takes one for datagrams for a live one", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      yield* receiver(path)
      assert.strictEqual((yield* Effect.flip(probe(path))).message, `somebody listens at ${path} already`)
    }))
})

describe("publish", () => {
  it.live("puts a socket in the place of the stale one that was found", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "S")
      yield* leaveStale(path)
      const stale = yield* probe(path)
      yield* serve(join(dir, "new"))
      const expected = inode(join(dir, "new"))
      const own = publish(join(dir, "new"), path, stale)
      assert.strictEqual(own.ino, BigInt(expected))
      assert.strictEqual(inode(path), expected)
      assert.deepStrictEqual(fs.readdirSync(dir), ["S"])
    }))

  for (const before of ["nothing", "a stale socket"]) {
    it.live(`replaces nobody who has come since ${before} was found`, () =>
      Effect.gen(function*() {
        const dir = yield* scratch
        const path = join(dir, "S")
        if (before === "a stale socket") yield* leaveStale(path)
        const found = yield* probe(path)
        assert.strictEqual(found === undefined, before === "nothing")
        fs.rmSync(path, { force: true })
        yield* serve(path)
        const theirs = inode(path)
        yield* serve(join(dir, "new"))
        const message = `somebody listens at ${path} already`
        assert.throws(() => publish(join(dir, "new"), path, found), ListenError, message)
        assert.strictEqual(inode(path), theirs)
      }))
  }
})

describe("withdraw", () => {
  it.live("does not mind that there is nothing to remove any more", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const path = join(dir, "sub", "S")
      fs.mkdirSync(dirname(path))
      yield* serve(join(dir, "new"))
      const own = publish(join(dir, "new"), path, undefined)
      fs.rmSync(dirname(path), { recursive: true })
      withdraw(path, own)
      assert.deepStrictEqual(fs.readdirSync(dir), [])
    }))
})

describe("temporaryName", () => {
  it.live("is in the same directory, and never a name that is there", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "S")
      const [, number] = /^\.\d+\.(\d+)$/.exec(basename(temporaryName(path)))!
      for (let i = 1; i <= 3; i++) fs.writeFileSync(join(dirname(path), `.${process.pid}.${Number(number) + i}`), "")
      assert.strictEqual(temporaryName(path), join(dirname(path), `.${process.pid}.${Number(number) + 4}`))
    }))
})

describe("pathProblem", () => {
  it("refuses a NUL, which the system would take for the end", () => {
    assert.strictEqual(pathProblem("/tmp/a\0b")?.message, "a socket's path cannot contain a NUL")
  })

  it("leaves room for the temporary name where the file name is a short one", () => {
    const dir = `/${"d".repeat(104)}`
    assert.strictEqual(Buffer.byteLength(`${dir}/S`), 107)
    const limit = Number(
      /has at most (\d+) bytes here, this one has 107/.exec(pathProblem(`${dir}/S`)?.message ?? "")?.[1]
    )
    const longest = `${dir.slice(0, limit - 2)}/S`
    assert.strictEqual(longest.length, limit)
    assert.isUndefined(pathProblem(longest))
    assert.isAtMost(Buffer.byteLength(temporaryName(longest)), 107)
  })
})
