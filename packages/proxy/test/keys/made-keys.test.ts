// Keys of apps on a real disk: what one gate wrote down, the next one knows.
import { assert, describe, it } from "@effect/vitest"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openMadeKeys } from "../../src/keys/made-keys.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

const grip = (digit: string): Keygrip => parseKeygrip(digit.repeat(40))!

const place = Effect.map(scratch, (state) => {
  const log = recordingLog()
  return {
    state,
    file: join(state, "made-keys.jsonl"),
    lines: log.lines,
    open: openMadeKeys(state).pipe(Effect.provide(log.layer))
  }
})

const linesOf = (file: string) =>
  readFileSync(file, "utf8").split("\n").slice(0, -1).map((line): { [name: string]: unknown } => JSON.parse(line))

describe("openMadeKeys", () => {
  it.live("knows nothing at first, and makes no file", () =>
    Effect.gen(function*() {
      const { file, open } = yield* place
      const keys = yield* open
      assert.isFalse(keys.own("git", grip("A")))
      assert.strictEqual(keys.grips.size, 0)
      yield* keys.gone(grip("A"))
      assert.isFalse(existsSync(file))
    }))

  it.live("keeps whose a key is, for this gate and the next", () =>
    Effect.gen(function*() {
      const { file, open } = yield* place
      const keys = yield* open
      yield* keys.made("git", grip("A"), "generated")
      yield* keys.made("mail", grip("A"), "imported")
      yield* keys.made("mail", grip("B"), "imported")
      yield* keys.gone(grip("B"))
      for (const each of [keys, yield* open]) {
        assert.deepStrictEqual(
          ["git", "mail", "other"].map((app) => [each.own(app, grip("A")), each.own(app, grip("B"))]),
          [[true, false], [true, false], [false, false]]
        )
        assert.deepStrictEqual([...each.grips], [grip("A")])
      }
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const [first, ...rest] = linesOf(file)
      assert.match(String(first?.["at"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.deepStrictEqual({ ...first, at: "" }, {
        v: 1,
        op: "made",
        app: "git",
        keygrip: grip("A"),
        origin: "generated",
        at: ""
      })
      assert.deepStrictEqual(rest.map(({ op }) => op), ["made", "made", "gone"])
    }))

  it.live("drops a last line that was not finished, says so, and goes on behind the last whole one", () =>
    Effect.gen(function*() {
      const { file, lines, open } = yield* place
      yield* (yield* open).made("git", grip("A"), "generated")
      appendFileSync(file, "{\"v\":1,\"op\":\"made\",\"app\":\"git\",\"keygrip\":\"BBBB")
      const keys = yield* open
      assert.deepStrictEqual([...keys.grips], [grip("A")])
      assert.strictEqual(lines.length, 1)
      yield* keys.made("git", grip("C"), "generated")
      assert.deepStrictEqual([...(yield* open).grips], [grip("A"), grip("C")])
      assert.strictEqual(linesOf(file).length, 2)
    }))

  it.live("does not start with a line that it cannot read, and says which", () =>
    Effect.gen(function*() {
      const { file, open } = yield* place
      yield* (yield* open).made("git", grip("A"), "generated")
      const good = readFileSync(file, "utf8")
      const changes: ReadonlyArray<readonly [string, string]> = [
        ["\"op\":\"made\"", "\"op\":\"make\""],
        ["\"keygrip\":\"A", "\"keygrip\":\"x"],
        ["\"app\":\"git\"", "\"app\":7"],
        ["\"v\":1", "\"v\":0"],
        [good, "not JSON\n"],
        [good, "null\n"],
        [good, "\n"]
      ]
      for (const [from, to] of changes) {
        writeFileSync(file, good + good.replace(from, to) + good)
        const error = yield* Effect.flip(open)
        assert.isTrue(error.message.startsWith(`${file}:2: `), error.message)
      }
    }))

  it.live("does not read what a newer version wrote", () =>
    Effect.gen(function*() {
      const { file, open } = yield* place
      writeFileSync(file, "{\"v\":2,\"op\":\"something new\"}\n")
      assert.match((yield* Effect.flip(open)).message, /:1: expected version 1, got 2/)
    }))

  it.live("says that a key could not be written down, and what came before is whole afterwards", () =>
    Effect.gen(function*() {
      const { file, lines, open } = yield* place
      const keys = yield* open
      // nobody can write to a directory, not even root
      mkdirSync(file)
      yield* keys.made("git", grip("A"), "generated")
      assert.isTrue(keys.own("git", grip("A")))
      assert.strictEqual(lines.length, 1)
      assert.include(lines[0]![1], grip("A"))
      rmSync(file, { recursive: true })
      yield* keys.made("git", grip("B"), "generated")
      assert.deepStrictEqual([...(yield* open).grips], [grip("B")])
    }))

  it.live("writes what comes at once line by line", () =>
    Effect.gen(function*() {
      const { file, open } = yield* place
      const keys = yield* open
      const grips = Array.from({ length: 50 }, (_, i) => parseKeygrip(i.toString(16).padStart(40, "0"))!)
      yield* Effect.forEach(grips, (each) => keys.made("git", each, "imported"), {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(linesOf(file).length, 50)
      assert.deepStrictEqual([...(yield* open).grips], grips)
    }))
})
