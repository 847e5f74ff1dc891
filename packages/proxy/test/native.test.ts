// The calls against the kernel, with what else knows them beside: flock(1), and a receiver of datagrams.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { join } from "node:path"
import { native } from "../src/native.ts"
import { receiver } from "./support/receiver.ts"
import { scratch } from "./support/scratch.ts"

const opened = (path: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openSync(path, "w+")),
    (fd) => Effect.sync(() => closeSync(fd))
  )

describe("native", () => {
  it("is there, where this is tested", () => {
    assert.isTrue(native.available)
  })

  it.live("locks a file so that other descriptors and flock(1) see it", () =>
    Effect.gen(function*() {
      const path = join(yield* scratch, "lock")
      const others = (...options: ReadonlyArray<string>) => spawnSync("flock", [...options, "-n", path, "true"]).status
      const [one, two] = [yield* opened(path), yield* opened(path)]
      assert.isUndefined(native.flock(one, true, true))
      assert.strictEqual(native.flock(two, true, true), "EAGAIN")
      assert.strictEqual(native.flock(two, false, true), "EAGAIN")
      assert.strictEqual(others(), 1)
      // a shared one keeps only exclusive ones out
      assert.isUndefined(native.flock(one, false, true))
      assert.isUndefined(native.flock(two, false, true))
      assert.strictEqual(others("--shared"), 0)
      assert.strictEqual(others(), 1)
    }))

  it("names the error of a call that failed", () => {
    assert.strictEqual(native.flock(-1, true, true), "EBADF")
  })

  it.live("sends datagrams to a path and to an abstract name", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      for (const address of [join(dir, "notify"), `@gripgate-test-${process.pid}`]) {
        const { receive } = yield* receiver(address)
        assert.isUndefined(native.sendto(address, Buffer.from("READY=1\n")))
        assert.isUndefined(native.sendto(address, Buffer.from([0, 255])))
        assert.deepStrictEqual(receive(), Buffer.from("READY=1\n"))
        assert.deepStrictEqual(receive(), Buffer.from([0, 255]))
        assert.isUndefined(receive())
      }
    }))

  it.live("says why a datagram did not arrive", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const message = Buffer.from("x")
      assert.strictEqual(native.sendto(join(dir, "none"), message), "ENOENT")
      assert.strictEqual(native.sendto("@gripgate-nobody", message), "ECONNREFUSED")
      assert.strictEqual(native.sendto(`/${"x".repeat(107)}`, message), "ENAMETOOLONG")
      const address = join(dir, "full")
      yield* receiver(address)
      let error: string | undefined
      for (let i = 0; i < 100_000 && error === undefined; i++) error = native.sendto(address, message)
      assert.strictEqual(error, "EAGAIN")
    }))
})
