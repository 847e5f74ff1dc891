// gpgconf as it may turn out to be: missing, failing, talkative, hanging. The real one: locate.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gpgconf, GpgconfError } from "../../src/upstream/gpgconf.ts"
import { startChild } from "../support/child.ts"
import { environment, fakeGpgconf, isRunning } from "../support/programs.ts"

/** Waits in real time, whatever the clock of the test says. */
const until = (condition: () => boolean) =>
  Effect.promise(async () => {
    for (let i = 0; i < 2000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.isTrue(condition())
  })

describe("gpgconf", () => {
  it.live("gives what it prints, byte for byte", () =>
    Effect.gen(function*() {
      yield* fakeGpgconf("printf 'a\\0b\\n\\377'; echo warning >&2")
      assert.deepStrictEqual(yield* gpgconf([]), Buffer.from("a\0b\n\xff", "latin1"))
    }))

  it.live("hands arguments on as they are", () =>
    Effect.gen(function*() {
      yield* fakeGpgconf("printf '%s|' \"$@\"")
      assert.strictEqual((yield* gpgconf(["--homedir", "/a b/$HOME/*", ""])).toString(), "--homedir|/a b/$HOME/*||")
    }))

  it.live("keeps a token for a gate from the agent that it starts, and nothing else of the environment", () =>
    Effect.gen(function*() {
      yield* fakeGpgconf("printf '%s|%s' \"${PINENTRY_USER_DATA-none}\" \"$GG_TEST\"")
      yield* environment({ PINENTRY_USER_DATA: "gripgate:gg1-a-b-c", GG_TEST: "kept" })
      assert.strictEqual((yield* gpgconf([])).toString(), "none|kept")
      yield* environment({ PINENTRY_USER_DATA: "mine" })
      assert.strictEqual((yield* gpgconf([])).toString(), "mine|kept")
    }))

  it.live("says that GnuPG is missing, and what to do", () =>
    Effect.gen(function*() {
      yield* environment({ PATH: "/nonexistent" })
      const error = yield* Effect.flip(gpgconf(["--list-dirs"]))
      assert.instanceOf(error, GpgconfError)
      assert.strictEqual(error.message, "gpgconf was not found: GnuPG is not installed, or not on PATH")
      assert.match(error.hint ?? "", /--upstream SOCKET/)
    }))

  it.live("says how it failed, in its own last words", () =>
    Effect.gen(function*() {
      yield* fakeGpgconf("echo first >&2; echo 'gpgconf: fatal error' >&2; exit 2")
      assert.strictEqual(
        (yield* Effect.flip(gpgconf([]))).message,
        "gpgconf failed with exit code 2: gpgconf: fatal error"
      )
      yield* fakeGpgconf("exit 1")
      assert.strictEqual((yield* Effect.flip(gpgconf([]))).message, "gpgconf failed with exit code 1")
      yield* fakeGpgconf("kill -TERM $$")
      assert.strictEqual((yield* Effect.flip(gpgconf([]))).message, "gpgconf was ended by SIGTERM")
    }))

  it.live("says that it cannot be run where there are no file descriptors left", () =>
    Effect.gen(function*() {
      const child = yield* startChild("hoard-program.ts", { openFiles: 60 })
      const reason = "gpgconf cannot be run: too many open files"
      assert.deepStrictEqual(yield* child.hear, { code: "EMFILE", message: reason })
    }))

  it.live("does not wait for a daemon that keeps the pipes open", () =>
    Effect.gen(function*() {
      const { dir } = yield* fakeGpgconf("sleep 60 & echo $! > \"$DIR/daemon\"; echo done")
      assert.strictEqual((yield* gpgconf([])).toString(), "done\n")
      const daemon = Number(readFileSync(join(dir, "daemon"), "utf8"))
      assert.isTrue(isRunning(daemon), "and does not end it")
      process.kill(daemon, "SIGKILL")
    }))

  it.live("keeps 64 KiB of what it prints without end", () =>
    Effect.gen(function*() {
      yield* fakeGpgconf("head -c 10000000 /dev/zero")
      assert.strictEqual((yield* gpgconf([])).length, 64 * 1024)
    }))

  it.effect("is given up after 10 s, with all that it started", () =>
    Effect.gen(function*() {
      const { dir } = yield* fakeGpgconf("sleep 1000 & echo $$ $! > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/pids\"; wait")
      const fiber = yield* Effect.forkChild(Effect.flip(gpgconf(["--launch", "gpg-agent"])))
      yield* until(() => existsSync(join(dir, "pids")))
      const pids = readFileSync(join(dir, "pids"), "utf8").trim().split(" ").map(Number)
      yield* TestClock.adjust(9_999)
      assert.isUndefined(fiber.pollUnsafe())
      assert.deepStrictEqual(pids.map(isRunning), [true, true])
      yield* TestClock.adjust(1)
      const { message } = yield* Fiber.join(fiber)
      assert.strictEqual(message, "gpgconf did not end within 10 s (gpgconf --launch gpg-agent)")
      yield* until(() => !pids.some(isRunning))
    }))

  it.live("ends with whoever waits for it", () =>
    Effect.gen(function*() {
      const { dir } = yield* fakeGpgconf("echo $$ > \"$DIR/t\"; mv \"$DIR/t\" \"$DIR/pid\"; sleep 1000")
      const fiber = yield* Effect.forkChild(gpgconf([]))
      yield* until(() => existsSync(join(dir, "pid")))
      yield* Fiber.interrupt(fiber)
      yield* until(() => !isRunning(Number(readFileSync(join(dir, "pid"), "utf8"))))
    }))
})
