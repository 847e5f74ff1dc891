// A program in the place of notify-send writes down what it is given.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { notification } from "../../src/approve/notification.ts"
import { placeOf } from "../../src/owner/place.ts"
import { scratch } from "../support/scratch.ts"
import { draft } from "./questions.ts"

const BUS = "unix:path=/run/user/1000/bus"
const question = { ...draft(), id: "7KQ2", askedAt: 0 }

const program = (script: string) =>
  Effect.map(scratch, (dir) => {
    const path = join(dir, "notify-send")
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o700 })
    return { path, dir }
  })

describe("a notification", () => {
  it.live("says that something is asked, nothing of it to whoever lists processes, and is no answer", () =>
    Effect.gen(function*() {
      const { dir, path } = yield* program("printf '%s\\n' \"$@\" > \"$0.args\"; env > \"$0.env\"")
      const place = { current: placeOf({ DBUS_SESSION_BUS_ADDRESS: BUS }) }
      const asked = yield* notification(place, path).ask(
        question,
        () => assert.fail("nobody has seen it for sure"),
        () => {}
      )
      assert.deepStrictEqual(asked, { kind: "unavailable", reason: "it only tells" })
      assert.deepStrictEqual(readFileSync(join(dir, "notify-send.args"), "utf8").split("\n"), [
        "--app-name=gripgate",
        "--",
        "gripgate asks",
        "Something waits for your answer. gripgate asks shows what, and how to answer.",
        ""
      ])
      const env = readFileSync(join(dir, "notify-send.env"), "utf8")
      assert.include(env, `DBUS_SESSION_BUS_ADDRESS=${BUS}\n`)
      assert.notInclude(env, "VITEST")
    }))

  it.live("is not tried where there is no session bus, and its failures are told", () =>
    Effect.gen(function*() {
      const { path } = yield* program("exit 3")
      const said = (env: Record<string, string>, at = path) =>
        notification({ current: placeOf(env) }, at).ask(question, () => {}, () => {})
      assert.deepStrictEqual(yield* said({}), { kind: "unavailable", reason: "no session bus is known" })
      const failed = { kind: "unavailable", reason: `${path} failed with exit code 3` } as const
      assert.deepStrictEqual(yield* said({ DBUS_SESSION_BUS_ADDRESS: BUS }), failed)
      assert.deepStrictEqual(yield* said({ DBUS_SESSION_BUS_ADDRESS: BUS }, "/nowhere/notify-send"), {
        kind: "unavailable",
        reason: "/nowhere/notify-send cannot be run: no such file or directory"
      })
    }))
})
