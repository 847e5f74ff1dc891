// The buffer that Node reads into: wiping it ends, leaves no descriptor open, and can be done as often as somebody likes. That nothing
// is in it afterwards is tested where real passphrases go through it, test/programs/token-programs.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync } from "node:fs"
import { wipeReadBuffer } from "../src/read-buffer.ts"

const descriptors = (): number => readdirSync("/proc/self/fd").length

describe("wipeReadBuffer", () => {
  it.live("leaves nothing open", () =>
    Effect.gen(function*() {
      yield* wipeReadBuffer
      const before = descriptors()
      for (let i = 0; i < 50; i++) yield* wipeReadBuffer
      yield* Effect.all(Array.from({ length: 20 }, () => wipeReadBuffer), { concurrency: "unbounded" })
      assert.strictEqual(descriptors(), before)
    }))
})
