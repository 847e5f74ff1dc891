import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  applicationIn,
  LATE,
  OneAtATime,
  readCmdline,
  readFlatpak,
  SLOW_LIMIT
} from "../../../src/listen/facts/slow.ts"
import { scratch } from "../../support/scratch.ts"

describe("OneAtATime", () => {
  it.effect("gives up on a read that hangs, keeps others from beginning, and goes on when it ends", () =>
    Effect.gen(function*() {
      const turns = new OneAtATime()
      const hanging = Promise.withResolvers<string>()
      const begun: Array<string> = []
      const read = (name: string, answer: Promise<string>) =>
        turns.read(() => {
          begun.push(name)
          return answer
        })
      const first = yield* Effect.forkChild(read("first", hanging.promise), { startImmediately: true })
      yield* TestClock.adjust(SLOW_LIMIT / 2)
      const second = yield* Effect.forkChild(read("second", Promise.resolve("second")), { startImmediately: true })
      yield* TestClock.adjust(SLOW_LIMIT / 2)
      assert.strictEqual(yield* Fiber.join(first), LATE)
      yield* TestClock.adjust(SLOW_LIMIT / 2)
      assert.strictEqual(yield* Fiber.join(second), LATE)
      assert.deepStrictEqual(begun, ["first"])
      const third = yield* Effect.forkChild(read("third", Promise.resolve("3")), { startImmediately: true })
      const fourth = yield* Effect.forkChild(read("fourth", Promise.resolve("4")), { startImmediately: true })
      hanging.resolve("too late")
      assert.deepStrictEqual([yield* Fiber.join(third), yield* Fiber.join(fourth)], ["3", "4"])
      assert.deepStrictEqual(begun, ["first", "third", "fourth"])
    }))

  it.effect("takes a read that fails for a fact that is not known", () =>
    Effect.gen(function*() {
      const turns = new OneAtATime()
      assert.isUndefined(yield* turns.read(() => Promise.reject(new Error("EACCES"))))
      assert.strictEqual(yield* turns.read(() => Promise.resolve("next")), "next")
    }))
})

/** A folder like /proc with one process, number 1. */
const fakeProc = Effect.map(scratch, (dir) => {
  mkdirSync(join(dir, "1", "root"), { recursive: true })
  return dir
})

describe("readCmdline", () => {
  it.live("has blanks for NULs, and at most 4 KiB", () =>
    Effect.gen(function*() {
      const proc = yield* fakeProc
      const read = (text: string) => {
        writeFileSync(join(proc, "1", "cmdline"), text)
        return Effect.promise(() => readCmdline(1, proc))
      }
      assert.strictEqual(yield* read("gpg\0--sign\0a b\0"), "gpg --sign a b")
      assert.strictEqual(yield* read("x".repeat(10_000)), "x".repeat(4096))
      assert.isUndefined(yield* read(""))
    }))
})

describe("readFlatpak", () => {
  const info = "[Application]\nname=org.gnome.Maps\nruntime=runtime/org.gnome.Platform/x86_64/47\n"

  it.live("believes any file at the root of a process, which is why this fact is advisory", () =>
    Effect.gen(function*() {
      const proc = yield* fakeProc
      writeFileSync(join(proc, "1", "root", ".flatpak-info"), info)
      assert.strictEqual(yield* Effect.promise(() => readFlatpak(1, proc)), "org.gnome.Maps")
    }))

  it.live("reads no link, directory or FIFO, and nothing above 64 KiB", () =>
    Effect.gen(function*() {
      const proc = yield* fakeProc
      const file = join(proc, "1", "root", ".flatpak-info")
      writeFileSync(join(proc, "info"), info)
      const put: ReadonlyArray<() => unknown> = [
        () => symlinkSync(join(proc, "info"), file),
        () => mkdirSync(file),
        () => assert.strictEqual(spawnSync("mkfifo", [file]).status, 0),
        () => writeFileSync(file, info + "#".repeat(64 * 1024)),
        () => {}
      ]
      for (const make of put) {
        make()
        assert.isUndefined(
          yield* Effect.promise(() => readFlatpak(1, proc).catch(() => undefined))
        )
        rmSync(file, { recursive: true, force: true })
      }
    }))

  it("takes the name from its group, and only one that is an id", () => {
    assert.strictEqual(applicationIn(info), "org.gnome.Maps")
    assert.strictEqual(applicationIn("[Instance]\nname=org.x.No\n[Application]\n# c\nname = org.x.Yes \n"), "org.x.Yes")
    for (const text of ["", "name=org.x.No\n", "[Runtime]\nname=org.x.No\n", "[Application]\nruntime=x\n"]) {
      assert.isUndefined(applicationIn(text), text)
    }
    for (const name of ["", "maps", "org..x", "org.1x", "org.x\u202e.y", "org.x y", `org.${"x".repeat(252)}`]) {
      assert.isUndefined(applicationIn(`[Application]\nname=${name}\n`), name)
    }
  })
})
