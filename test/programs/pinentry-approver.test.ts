// The approver that runs a pinentry of its own, with real pinentries on a real terminal: what the owner sees, and what the keys
// mean that he presses. The terminal is a pseudo-terminal of socat's, on which a shell waits as a client would.
import { assert, describe, it } from "@effect/vitest"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { pinentryApprover } from "@gripgate/proxy/approve/pinentry/pinentry"
import { pinentryTurns } from "@gripgate/proxy/approve/pinentry/turns"
import type { Asked, Question } from "@gripgate/proxy/approve/question"
import { AgentDialogs } from "@gripgate/proxy/owner/agent-dialogs"
import { placeOf } from "@gripgate/proxy/owner/place"
import { questionLines } from "@gripgate/proxy/shown/question-lines"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { openTerminal, openTerminalFor } from "./pty.ts"

const programs = { tty: needs("pinentry-tty"), curses: needs("pinentry-curses") }
type Flavor = keyof typeof programs

const question: Question = {
  id: "k7f3",
  subject: {
    app: "git",
    how: "git <- make <- bash, 100% yours",
    operations: ["sign"],
    command: "PKSIGN",
    keys: [{
      keygrip: parseKeygrip("0123456789ABCDEF0123456789ABCDEF01234567")!,
      keyId: "0123456789ABCDEF",
      userId: "Alice <alice@example.org>",
      capabilities: new Set(["sign", "certify"])
    }]
  },
  operation: "sign",
  client: { recognised: "none" },
  why: "sign = \"ask\"",
  digest: { algorithm: "SHA256", hex: "0123456789ABCDEF".repeat(4) },
  said: { by: "client", text: "Please sign\nKey: not this one" },
  offers: { while: 900_000, always: false },
  askedAt: 0
}

const approverOn = (flavor: Flavor, path: string, timeout = 30_000) =>
  pinentryApprover(pinentryTurns({
    homedir: undefined,
    dialogs: new AgentDialogs(),
    program: () => programs[flavor],
    owner: { current: placeOf({ GPG_TTY: path, TERM: "xterm", LC_ALL: "C.UTF-8" }) },
    timeout: () => timeout
  }))

const by = { through: "pinentry" }
const once: Asked = { kind: "yes", good: "once", by }
const forFifteen: Asked = { kind: "yes", good: 900_000, by }
const no: Asked = { kind: "no", good: "once", by }

/** What a person needs at least to read a question. */
const reading = Effect.sleep(350)

/** How a dialog looks when it waits for a key, and the keys for its buttons. */
const dialogs = {
  tty: {
    first: /\[ynf\]\? $/,
    second: /\[fn\]\? $/,
    keys: { yes: "y", no: "n", third: "f", again: "f" }
  },
  curses: {
    first: /<Yes, once>.*<For 15 minutes>.*<No>/s,
    second: /A yes is good for 15 minutes: .*<For 15 minutes>.*<No>/s,
    keys: { yes: "\r", no: "\t\t\r", third: "\t\r", again: "\r" }
  }
} as const

for (const flavor of ["tty", "curses"] as const) {
  const { first, keys, second } = dialogs[flavor]

  describe(`pinentry-${flavor}`, () => {
    const asked = Effect.fnUntraced(function*(terminal: Effect.Success<typeof openTerminal>, one = question) {
      const shown = Promise.withResolvers<void>()
      const approver = approverOn(flavor, terminal.path)
      const fiber = yield* Effect.forkChild(approver.ask(one, shown.resolve, () => {}), { startImmediately: true })
      yield* Effect.promise(() => shown.promise)
      return fiber
    })

    it.live("shows every line of the question, and its buttons", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const fiber = yield* asked(terminal)
        const screen = yield* terminal.sees(first)
        for (const line of questionLines(question)) assert.include(screen, line.trim())
        assert.isUndefined(fiber.pollUnsafe())
        yield* reading
        yield* terminal.type(keys.yes)
        assert.deepStrictEqual(yield* Fiber.join(fiber), once)
      }))

    it.live("is shown again after a yes that came before anybody could have read it", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const fiber = yield* asked(terminal)
        yield* terminal.sees(first)
        const { at } = terminal
        yield* terminal.type(keys.yes)
        yield* terminal.sees(first, at)
        yield* reading
        assert.isUndefined(fiber.pollUnsafe())
        yield* terminal.type(keys.no)
        assert.deepStrictEqual(yield* Fiber.join(fiber), no)
      }))

    it.live("says no", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const fiber = yield* asked(terminal)
        yield* terminal.sees(first)
        yield* terminal.type(keys.no)
        assert.deepStrictEqual(yield* Fiber.join(fiber), no)
      }))

    it.live("says yes for a while, and asks again for that", () =>
      Effect.gen(function*() {
        for (const [key, answer] of [[keys.again, forFifteen], [flavor === "tty" ? "n" : "\t\r", no]] as const) {
          const terminal = yield* openTerminal
          const fiber = yield* asked(terminal)
          yield* terminal.sees(first)
          const { at } = terminal
          yield* terminal.type(keys.third)
          const screen = yield* terminal.sees(second, at)
          assert.include(screen, "Key: 0123456789ABCDEF, \"Alice <alice@example.org>\"")
          yield* reading
          yield* terminal.type(key)
          assert.deepStrictEqual(yield* Fiber.join(fiber), answer)
        }
      }))

    it.live("offers no third button where a while is not offered", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const fiber = yield* asked(terminal, { ...question, offers: { always: false } })
        yield* terminal.sees(flavor === "tty" ? /\[yn\]\? $/ : /<Yes>.*<No>/s)
        yield* reading
        yield* terminal.type(flavor === "tty" ? "fy" : "\r")
        assert.deepStrictEqual(yield* Fiber.join(fiber), { ...once })
      }))

    it.live("does not take for an answer what was typed before the question", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        yield* terminal.type("y\r\r\ry")
        yield* Effect.sleep(50)
        const fiber = yield* asked(terminal)
        yield* terminal.sees(first)
        yield* Effect.sleep(300)
        assert.isUndefined(fiber.pollUnsafe())
        yield* terminal.type(keys.no)
        assert.deepStrictEqual(yield* Fiber.join(fiber), no)
      }))

    it.live("does not take the key for one question for the next", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const approver = approverOn(flavor, terminal.path)
        const one = yield* Effect.forkChild(approver.ask(question, () => {}, () => {}), { startImmediately: true })
        const other = yield* Effect.forkChild(approver.ask(question, () => {}, () => {}), { startImmediately: true })
        yield* terminal.sees(first)
        const { at } = terminal
        yield* reading
        yield* terminal.type(keys.yes + keys.yes)
        assert.deepStrictEqual(yield* Fiber.join(one), once)
        yield* terminal.sees(first, at)
        yield* Effect.sleep(300)
        assert.isUndefined(other.pollUnsafe())
        yield* terminal.type(keys.no)
        assert.deepStrictEqual(yield* Fiber.join(other), no)
      }))

    it.live("leaves the terminal as it was when the question is withdrawn, or nobody answers", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const before = yield* terminal.modes
        const fiber = yield* asked(terminal)
        yield* terminal.sees(first)
        assert.notStrictEqual(yield* terminal.modes, before)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* terminal.modes, before)
        const approver = approverOn(flavor, terminal.path, 300)
        assert.deepStrictEqual(yield* approver.ask(question, () => {}, () => {}), { kind: "timeout" })
        assert.strictEqual(yield* terminal.modes, before)
      }))
  })
}

describe("what was typed before a question", () => {
  // a read would stop the whole gate there (SIGTTIN)
  it.live("is left alone where the gate runs in the background of that terminal", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => makeFolder("gt")),
        (path) => Effect.promise(() => removeFolder(path))
      )
      const program = join(folder, "forget.ts")
      const module = import.meta.resolve("@gripgate/proxy/approve/pinentry/terminal")
      writeFileSync(
        program,
        `import { forgetTyped } from "${module}"\nforgetTyped(process.argv[2]!)\nconsole.log("lives on")\n`
      )
      const terminal = yield* openTerminalFor(
        `set -m; ${process.execPath} ${program} $(tty) & wait; sleep 600`
      )
      assert.include(yield* terminal.sees(/lives on/), "lives on")
    }))
})
