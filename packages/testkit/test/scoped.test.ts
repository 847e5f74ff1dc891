// The bridge to Effect.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { startFakeAgent } from "../src/fake-agent.ts"
import { scoped } from "../src/scoped.ts"

describe("scoped", () => {
  it.effect("closes what it opened together with the scope, also when the scope fails", () =>
    Effect.gen(function*() {
      let socket = ""
      const exit = yield* Effect.exit(Effect.scoped(Effect.gen(function*() {
        const agent = yield* scoped(() => startFakeAgent())
        socket = agent.socket
        assert.isTrue(existsSync(socket))
        return yield* Effect.fail("on purpose")
      })))
      assert.isTrue(exit._tag === "Failure")
      assert.notStrictEqual(socket, "")
      assert.isFalse(existsSync(socket))
    }))
})
