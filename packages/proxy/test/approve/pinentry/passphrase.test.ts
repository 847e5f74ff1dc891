// Passphrases from real processes: the testkit's scripted pinentry, and pinentries that misbehave. Real pinentries on a terminal:
// test/programs/passphrase.test.ts.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { NotAsked } from "../../../src/approve/passphrase-asker.ts"
import { pinentryPassphrases } from "../../../src/approve/pinentry/passphrase.ts"
import { NotIssued, type Passphrases, type PlannedKey } from "../../../src/grant/issue.ts"
import { A, B } from "../../grant/place.ts"
import { asking, inStep, question, scripted, shell, unescaped, until } from "./support.ts"

const planned = (keygrip: typeof A, sealed = true): PlannedKey => ({
  info: { keygrip, keyId: keygrip.slice(24), userId: "Alice <alice@example.org>", capabilities: undefined },
  protection: "protected",
  sealed
})

const keys = [planned(A), planned(B)]
const lines = ["gripgate: a token for the app \"mail\""]

/** Checks what was typed as an agent would, and keeps what it was given as texts, and the memory that it lay in. */
const checking = (right: Readonly<Record<string, string>>) => {
  const given: Array<Readonly<Record<string, string>>> = []
  const memory: Array<Buffer> = []
  const check = (passphrases: Passphrases) =>
    Effect.suspend(() => {
      const texts = Object.fromEntries([...passphrases].map(([key, bytes]) => [key, bytes.toString()]))
      given.push(texts)
      memory.push(...passphrases.values())
      const wrong = [...passphrases.keys()].filter((key) => texts[key] !== right[key])
      return wrong.length === 0
        ? Effect.succeed("made")
        : Effect.fail(new NotIssued({ message: "that is not the passphrase", wrong }))
    })
  return { check, given, memory }
}

const asker = (program: string, more: Parameters<typeof asking>[1] = {}) =>
  pinentryPassphrases(asking(program, more).turns)

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

describe("a passphrase", () => {
  it.live("is asked for once for all keys that need one, with what it is for, and no cache is told of", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ pin: "p%25 \u00fc%" }] })
      const { check, given, memory } = checking({ [A]: "p%25 \u00fc%", [B]: "p%25 \u00fc%" })
      const both = [...keys, planned("C".repeat(40) as typeof A, false)]
      assert.strictEqual(yield* asker(pinentry.program).ask(lines, both, check), "made")
      assert.deepStrictEqual(given, [{ [A]: "p%25 \u00fc%", [B]: "p%25 \u00fc%" }])
      assert.isTrue(memory.every(isWiped))
      assert.isTrue(memory.every((bytes) => bytes.buffer.byteLength >= 4096))
      const sent = pinentry.lines()
      const [desc] = sent.filter((line) => line.startsWith("SETDESC "))
      assert.deepStrictEqual(unescaped(desc!.slice("SETDESC ".length)).split("\n"), [
        ...lines,
        `Key: ${"A".repeat(16)}, "Alice <alice@example.org>"`,
        `Key: ${"B".repeat(16)}, "Alice <alice@example.org>"`
      ])
      assert.deepStrictEqual(sent, [
        "GRIPGATE",
        "OPTION no-grab",
        "GETINFO flavor",
        "SETTITLE gripgate",
        "SETTIMEOUT 61",
        desc!,
        "SETPROMPT Passphrase:",
        "SETOK _OK",
        "SETCANCEL _Cancel",
        "GETINFO pid",
        "GETPIN"
      ])
    }))

  it.live("is not asked for where no key needs one", () =>
    Effect.gen(function*() {
      const { check, given } = checking({})
      assert.strictEqual(yield* asker("/nonexistent").ask(lines, [planned(A, false)], check), "made")
      assert.deepStrictEqual(given, [{}])
    }))

  it.live("is asked for again for those keys only that it was wrong for, as often as that gets further", () =>
    Effect.gen(function*() {
      const pins = ["neither", "first", "wrong", "second"]
      const pinentry = yield* scripted({ answers: pins.map((pin) => ({ pin })) })
      const { check, given, memory } = checking({ [A]: "first", [B]: "second" })
      assert.strictEqual(yield* asker(pinentry.program).ask(lines, keys, check), "made")
      assert.deepStrictEqual(given, [
        { [A]: "neither", [B]: "neither" },
        { [A]: "first", [B]: "first" },
        { [A]: "first", [B]: "wrong" },
        { [A]: "first", [B]: "second" }
      ])
      assert.isTrue(memory.every(isWiped))
      const told = pinentry.lines().filter((line) => /^SET(DESC|ERROR) /.test(line)).map(unescaped)
      assert.deepStrictEqual(
        told.map((line) => line.startsWith("SETERROR ") ? line.slice(9) : line.match(/[AB]{16}/g)),
        [
          ["A".repeat(16), "B".repeat(16)],
          ["A".repeat(16), "B".repeat(16)],
          "wrong passphrase",
          ["B".repeat(16)],
          "right, but not for all: these have another",
          ["B".repeat(16)],
          "wrong passphrase"
        ]
      )
    }))

  it.live("that is wrong three times is the end, and so is whatever else is wrong", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ pin: "wrong" }] })
      const { check, memory } = checking({})
      const error = yield* Effect.flip(asker(pinentry.program).ask(lines, keys, check))
      assert.deepInclude(error, { _tag: "NotIssued", message: "that is not the passphrase" })
      assert.strictEqual(pinentry.questions(), 3)
      assert.isTrue(memory.every(isWiped))
      const other = yield* scripted({ answers: [{ pin: "right" }] })
      const full = () => Effect.fail(new NotIssued({ message: "the disk is full" }))
      assert.strictEqual((yield* Effect.flip(asker(other.program).ask(lines, keys, full))).message, "the disk is full")
      assert.strictEqual(other.questions(), 1)
    }))

  it.live("that is empty is none, and is tried with no key", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ pin: "" }, { pin: "right" }] })
      const { check, given } = checking({ [A]: "right" })
      assert.strictEqual(yield* asker(pinentry.program).ask(lines, [planned(A)], check), "made")
      assert.deepStrictEqual(given, [{ [A]: "right" }])
      const empty = yield* scripted({ answers: [{ pin: "" }] })
      const error = yield* Effect.flip(asker(empty.program).ask(lines, [planned(A)], check))
      assert.deepInclude(error, { _tag: "NotAsked", why: "cancelled" })
    }))

  it.live("of 255 bytes is one, and a longer one is told without a byte of it", () =>
    Effect.gen(function*() {
      const longest = yield* scripted({ answers: [{ pin: "x".repeat(255) }] })
      const { check } = checking({ [A]: "x".repeat(255) })
      assert.strictEqual(yield* asker(longest.program).ask(lines, [planned(A)], check), "made")
      const longer = yield* scripted({ answers: [{ pin: "y".repeat(256) }] })
      const error = yield* Effect.flip(asker(longer.program).ask(lines, [planned(A)], check))
      assert.deepInclude(error, { _tag: "NotAsked", why: "unavailable" })
      assert.notInclude(error.message, "yy")
    }))

  it.live("in several lines of data is one", () =>
    Effect.gen(function*() {
      const other = inStep("[ \"$line\" = GETPIN ] && say D ab && say D c; say OK")
      const { program } = yield* shell({ other })
      const { check, given } = checking({ [A]: "abc" })
      yield* asker(program).ask(lines, [planned(A)], check)
      assert.deepStrictEqual(given, [{ [A]: "abc" }])
    }))
})

describe("none", () => {
  const none = (error: unknown, why: NotAsked["why"]) => assert.deepInclude(error, { _tag: "NotAsked", why })

  it.live("is given where the owner cancels or closes the window", () =>
    Effect.gen(function*() {
      for (const answer of ["cancel", "close"] as const) {
        const { program } = yield* scripted({ answers: [answer] })
        const { check, given } = checking({})
        none(yield* Effect.flip(asker(program).ask(lines, keys, check)), "cancelled")
        assert.deepStrictEqual(given, [])
      }
    }))

  it.live("is given by a program that crashes, says no Assuan, or OK to everything, and none of it is told", () =>
    Effect.gen(function*() {
      const crash = yield* scripted({ answers: ["crash"] })
      const garbage = yield* scripted({ answers: ["garbage"] })
      const yes = yield* shell({ unknown: "say OK" })
      const half = yield* shell({ other: inStep("[ \"$line\" = GETPIN ] && say D hunter2 && exit 1; say OK") })
      for (const { program } of [crash, garbage, yes, half, { program: "/nonexistent/pinentry" }]) {
        const { check, given } = checking({})
        const error = yield* Effect.flip(asker(program).ask(lines, keys, check))
        none(error, "unavailable")
        assert.notInclude(error.message, "hunter2")
        assert.deepStrictEqual(given, [])
      }
    }))

  it.effect("is given in time: the dialog goes away", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang"] })
      const { check } = checking({})
      const waiting = yield* Effect.forkChild(
        Effect.flip(asker(pinentry.program, { timeout: 20_000 }).ask(lines, keys, check))
      )
      yield* until(() => pinentry.questions() === 1)
      yield* TestClock.adjust(20_000)
      none(yield* Fiber.join(waiting), "timeout")
    }))

  it.live("is given to one who has gone, and the dialog goes with him", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: ["hang"] })
      const { check, given } = checking({})
      const waiting = yield* Effect.forkChild(asker(pinentry.program).ask(lines, keys, check))
      yield* until(() => pinentry.questions() === 1)
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(given, [])
    }))
})

describe("a dialog", () => {
  it.live("waits for its turn behind a question, and a check that has begun ends before anything else", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ confirm: true }, { pin: "right" }] })
      const desk = asking(pinentry.program)
      const { check } = checking({ [A]: "right" })
      const [asked, made] = yield* Effect.all([
        desk.ask(question()),
        Effect.andThen(Effect.sleep(50), pinentryPassphrases(desk.turns).ask(lines, [planned(A)], check))
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual([asked.kind, made], ["yes", "made"])
      const shown = pinentry.log().flatMap((entry) => entry.event === "question" ? [entry.question] : [])
      assert.deepStrictEqual(shown, ["CONFIRM", "GETPIN"])
    }))

  it.live("whose check has begun is not interrupted in it", () =>
    Effect.gen(function*() {
      const pinentry = yield* scripted({ answers: [{ pin: "right" }] })
      const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let ended = false
      const slow = () =>
        Effect.promise(async () => {
          begun.resolve()
          await end.promise
          ended = true
        })
      const waiting = yield* Effect.forkChild(asker(pinentry.program).ask(lines, keys, slow))
      yield* Effect.promise(() => begun.promise)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(waiting))
      yield* Effect.sleep(20)
      end.resolve()
      yield* Fiber.join(stopping)
      assert.isTrue(ended)
    }))
})
