// From the owner's command line to his pinentry and back: a control socket, its verbs, and a real process that asks.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { join } from "node:path"
import { pinentryPassphrases } from "../../src/approve/pinentry/passphrase.ts"
import { askForToken } from "../../src/control/client.ts"
import type { RequestOf } from "../../src/control/message/request.ts"
import { serveControl } from "../../src/control/server.ts"
import { asking, scripted, until } from "../approve/pinentry/support.ts"
import { A } from "../grant/place.ts"
import { isRunning } from "../support/programs.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"
import { options } from "../support/status.ts"
import { issuing } from "./issuing.ts"

const request: RequestOf<"grant"> = { verb: "grant", app: "mail", keys: [A], seal: true, passphrases: "pinentry" }

const gateWith = Effect.fnUntraced(function*(program: string) {
  const path = join(yield* scratch, "control")
  const issuer = issuing({ asker: pinentryPassphrases(asking(program).turns) })
  yield* Effect.provide(serveControl(options(path, { verbs: issuer.verbs })), recordingLog().layer)
  return { path, ...issuer }
})

describe("a grant for which the gate asks", () => {
  it.live("is made with what the owner types, and its token comes back", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ pin: "hunter2" }] })
      const gate = yield* gateWith(pinentry.program)
      const { result, token } = yield* askForToken(gate.path, request)
      assert.strictEqual(result.grant.id, "AB23")
      assert.match(token.toString(), /^gg1-AB23-/)
      assert.deepInclude(gate.calls.at(-1)?.[2], { [A]: "hunter2" })
      yield* until(() => gate.tokens.every((bytes) => bytes.every((byte) => byte === 0)))
    }))

  it.live("is none when the command ends while the dialog is open: that goes away, and nothing is granted", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang"] })
      const gate = yield* gateWith(pinentry.program)
      const command = yield* Effect.forkChild(askForToken(gate.path, request))
      yield* until(() => pinentry.questions() === 1)
      yield* Fiber.interrupt(command)
      yield* until(() => !pinentry.pids().some(isRunning))
      assert.deepStrictEqual(gate.calls.map(([name]) => name), ["plan"])
    }))

  it.live("is none where the owner cancels, and the command is told why", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["cancel"] })
      const gate = yield* gateWith(pinentry.program)
      const error = yield* Effect.flip(askForToken(gate.path, request))
      assert.deepInclude(error, { reason: "refused", message: "no passphrase was given: the dialog was cancelled" })
    }))
})
