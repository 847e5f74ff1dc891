// Locks between real processes.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { LockError, lockState, takeLock } from "../src/lock.ts"
import { type Child, startChild } from "./support/child.ts"
import { recordingLog } from "./support/recording-log.ts"
import { scratch } from "./support/scratch.ts"

const { layer } = recordingLog()

interface Answer {
  readonly ok: boolean
  readonly message?: string
  readonly hint?: string
  readonly lines: ReadonlyArray<readonly [number, string]>
}

const gate = (preload: ReadonlyArray<string> = [], env: Readonly<Record<string, string>> = {}) =>
  Effect.tap(startChild("lock-program.ts", { preload, env }), (child) => child.hear)

const ask = (child: Child, dir: string, at = 0) => Effect.map(child.ask({ dir, at }), (answer) => answer as Answer)

describe("lockState", () => {
  it.live("makes the directory 0700, and the lock is gone with the scope", () =>
    Effect.gen(function*() {
      const dir = join(yield* scratch, "a", "state")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* lockState(dir)
        assert.strictEqual(fs.statSync(dir).mode & 0o7777, 0o700)
        assert.strictEqual(fs.statSync(join(dir, "lock")).mode & 0o7777, 0o600)
        assert.strictEqual(fs.readFileSync(join(dir, "lock"), "latin1"), `${process.pid}\n`)
        assert.strictEqual(spawnSync("flock", ["-n", join(dir, "lock"), "true"]).status, 1)
      }))
      assert.deepStrictEqual(fs.readdirSync(dir), [])
      yield* lockState(dir)
    }).pipe(Effect.provide(layer)))

  it.live("names the gate that has the directory", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const first = yield* gate()
      assert.isTrue((yield* ask(first, dir)).ok)
      const error = yield* Effect.flip(Effect.scoped(lockState(dir)))
      assert.instanceOf(error, LockError)
      assert.strictEqual(error.message, `another gate (pid ${first.pid}) uses the state directory ${dir}`)
      assert.match(error.hint ?? "", /--state DIR/)
      yield* first.ask({})
      yield* lockState(dir)
    }).pipe(Effect.provide(layer)))

  it.live("is free again when its gate was killed", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const first = yield* gate()
      yield* ask(first, dir)
      yield* first.kill("SIGKILL")
      assert.strictEqual(fs.readFileSync(join(dir, "lock"), "latin1"), `${first.pid}\n`)
      yield* lockState(dir)
      assert.strictEqual(fs.readFileSync(join(dir, "lock"), "latin1"), `${process.pid}\n`)
    }).pipe(Effect.provide(layer)))

  it.live("follows no link, and says what is wrong with the directory", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      fs.writeFileSync(join(dir, "precious"), "content")
      fs.symlinkSync("precious", join(dir, "lock"))
      const linked = yield* Effect.flip(lockState(dir))
      assert.strictEqual(
        linked.message,
        `the lock ${join(dir, "lock")} cannot be taken: too many symbolic links encountered`
      )
      assert.strictEqual(fs.readFileSync(join(dir, "precious"), "latin1"), "content")
      const file = yield* Effect.flip(lockState(join(dir, "precious")))
      assert.strictEqual(
        file.message,
        `the state directory ${join(dir, "precious")} cannot be made: file already exists`
      )
    }).pipe(Effect.scoped, Effect.provide(layer)))
})

describe("takeLock", () => {
  it.live("removes no file but the one that it has locked", () =>
    Effect.gen(function*() {
      const file = join(yield* scratch, "lock")
      const held = (by: string) => ({ message: `held${by}`, hint: "" })
      const log = { level: 7, write: () => {} } as const
      const one = yield* takeLock({ file, held }, log)
      fs.renameSync(file, `${file}.moved`)
      const two = yield* takeLock({ file, held }, log)
      one.release()
      assert.isTrue(fs.existsSync(file))
      assert.strictEqual((yield* Effect.flip(takeLock({ file, held }, log))).message, `held (pid ${process.pid})`)
      two.release()
      assert.isFalse(fs.existsSync(file))
    }))

  it.live("is never had by two, also while each removes the file as it goes", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const gates = [yield* gate(), yield* gate()]
      const message = { contend: join(dir, "lock"), ms: 2_000 }
      const counts = yield* Effect.all(gates.map((child) => child.ask(message)), { concurrency: 2 })
      for (const { had, notAlone } of counts as ReadonlyArray<{ had: number; notAlone: number }>) {
        assert.isAbove(had, 0)
        assert.strictEqual(notAlone, 0)
      }
    }))
})

describe("without koffi", () => {
  it.live("everything works but the locks, and the log says so once", () =>
    Effect.gen(function*() {
      const dir = yield* scratch
      const lines: ReadonlyArray<readonly [number, string]> = [
        [
          4,
          "koffi cannot be loaded, so files are not locked and systemd is not told anything: Cannot find module 'koffi'"
        ]
      ]
      const first = yield* gate(["no-koffi.ts"], { NOTIFY_SOCKET: "/nowhere" })
      assert.deepStrictEqual(yield* ask(first, dir), { ok: true, lines })
      // a second gate is still kept away from the socket
      const second = yield* gate(["no-koffi.ts"])
      const answer = yield* ask(second, dir)
      assert.strictEqual(answer.message, `somebody listens at ${join(dir, "S")} already`)
      assert.deepStrictEqual(answer.lines, lines)
    }))
})
