// On a terminal the gate's dialog makes way for the agent's.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { AgentDialogs } from "../../../src/owner/agent-dialogs.ts"
import { placeOf } from "../../../src/owner/place.ts"
import { isRunning } from "../../support/programs.ts"
import { asking, question, scripted, until } from "./support.ts"

// no program opens it: the scripted pinentry has a flavor that needs none
const onTerminal = { current: placeOf({ GPG_TTY: "/dev/pts/1" }) }

describe("a question on the owner's terminal", () => {
  it.live("leaves it when the agent has to ask there, and comes again when that is over", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang", { confirm: true }] })
      const dialogs = new AgentDialogs()
      const fiber = yield* Effect.forkChild(asking(pinentry.program, { dialogs, owner: onTerminal }).ask(question()))
      yield* until(() => pinentry.questions() === 1)
      const over = dialogs.begin()
      yield* dialogs.left
      assert.isFalse(pinentry.pids().some(isRunning), "the terminal is free when the agent is told")
      yield* Effect.sleep(400)
      assert.strictEqual(pinentry.questions(), 1)
      over()
      assert.strictEqual((yield* Fiber.join(fiber)).kind, "yes")
      assert.strictEqual(pinentry.questions(), 2)
    }))

  it.live("waits while the agent asks there, and not for ever", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const dialogs = new AgentDialogs()
      const over = dialogs.begin()
      const approver = asking(pinentry.program, { dialogs, owner: onTerminal, timeout: 300 })
      const asked = yield* approver.ask(question())
      assert.deepStrictEqual(asked, {
        kind: "unavailable",
        reason: "gpg-agent asks for something on the owner's terminal all the time"
      })
      assert.deepStrictEqual(pinentry.pids(), [])
      over()
      const again = asking(pinentry.program, { dialogs, owner: onTerminal })
      assert.strictEqual((yield* again.ask(question())).kind, "yes")
    }))

  it.live("is beside the agent's where there are windows", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }] })
      const dialogs = new AgentDialogs()
      dialogs.begin()
      const owner = { current: placeOf({ GPG_TTY: "/dev/pts/1", DISPLAY: ":0" }) }
      assert.strictEqual((yield* asking(pinentry.program, { dialogs, owner }).ask(question())).kind, "yes")
      // and nobody waits for it
      yield* dialogs.left
    }))
})
