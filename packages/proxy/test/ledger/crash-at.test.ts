// The tool that the tests of crashes rest on: it sees every way to write, once, and changes none that it is not told to.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { scratch } from "../support/scratch.ts"
import { run } from "./run-program.ts"

const everyCall = Effect.fnUntraced(function*(at = "") {
  const folder = join(yield* scratch, "0", "state")
  return { folder, ...(yield* run(folder, { at, program: "every-call-program.ts" })) }
})

/** What each part of the program does, in order, to files whose names begin with this. */
const expected = (name: string, writes: number): ReadonlyArray<string> => [
  `open ${name}`,
  ...Array.from({ length: writes }, () => `write ${name}`),
  `fdatasync ${name}`,
  `fsync ${name}`,
  `truncate ${name}`,
  `truncate ${name}`,
  `open ${name}-file`,
  `write ${name}-file`,
  `open ${name}-file`,
  `write ${name}-file`,
  `link ${name}-file`,
  `rename ${name}-link`
]

describe("crash-at", () => {
  it.live("counts every call of node:fs that is durable or may be, once, and lets them do what they do", () =>
    Effect.gen(function*() {
      const { folder, operations, signal } = yield* everyCall()
      assert.isNull(signal)
      assert.deepStrictEqual(operations.map(([operation, path]) => `${operation} ${path}`), [
        ...expected("sync", 4),
        ...expected("callback", 3),
        ...expected("promise", 3),
        "open stream",
        "write stream",
        "open handle",
        "write handle",
        "open required",
        "write required",
        "fsync .",
        "open sync",
        "write sync",
        "rename sync",
        "open more",
        "write more"
      ])
      const content = (name: string) => fs.readFileSync(join(folder, name), "latin1")
      assert.strictEqual(content("last"), "23452345te0123456789")
      for (const name of ["callback", "promise"]) assert.strictEqual(content(name), "2345text01", name)
      for (const name of ["sync", "callback", "promise"]) {
        assert.strictEqual(content(`${name}-name`), "content0123456789")
      }
      assert.strictEqual(content("stream"), "0123456789")
      assert.strictEqual(content("handle"), "0123456789")
      assert.strictEqual(fs.statSync(join(folder, "callback")).mode & 0o777, 0o600)
    }))

  it.live("ends the program where it is told to, and no sooner", () =>
    Effect.gen(function*() {
      const at = Effect.fnUntraced(function*(plan: string) {
        const { folder, signal } = yield* everyCall(plan)
        assert.strictEqual(signal, "SIGKILL", plan)
        const names = fs.readdirSync(folder)
        return Object.fromEntries(names.map((name) => [name, fs.readFileSync(join(folder, name), "latin1")]))
      })
      assert.deepStrictEqual(yield* at("1:before"), {})
      assert.deepStrictEqual(yield* at("1:after"), { sync: "" })
      assert.deepStrictEqual(yield* at("2:half"), { sync: "23" })
      assert.deepStrictEqual(yield* at("3:half"), { sync: "234523" })
      assert.deepStrictEqual(yield* at("4:half"), { sync: "23452345te" })
      assert.deepStrictEqual(yield* at("5:half"), { sync: "23452345text0123456789" })
      assert.strictEqual((yield* at("17:half"))["callback"], "23")
      assert.strictEqual((yield* at("19:half"))["callback"], "2345text0123456789")
      assert.strictEqual((yield* at("32:half"))["promise"], "2345te")
      // synchronised, but under a name that is not
      assert.deepStrictEqual(yield* at("8:power"), {})
      // files as they were when they were synchronised, under the names of that time
      const never = ["sync-file", "sync-name", "callback-file", "callback-name", "promise-file", "promise-name"]
      assert.deepStrictEqual(yield* at("55:power"), {
        ...Object.fromEntries([...never, "stream", "handle", "required"].map((name) => [name, ""])),
        sync: "23452345text01234567890123456789",
        callback: "2345text01234567890123456789",
        promise: "2345text01234567890123456789"
      })
    }))
})
