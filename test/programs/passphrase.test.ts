// A passphrase for the gate itself, with real pinentries on a real terminal: what the owner sees, and that nobody sees what he types.
import { assert, describe, it } from "@effect/vitest"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { pinentryPassphrases } from "@gripgate/proxy/approve/pinentry/passphrase"
import { pinentryTurns } from "@gripgate/proxy/approve/pinentry/turns"
import { NotIssued, type Passphrases, type PlannedKey } from "@gripgate/proxy/grant/issue"
import { AgentDialogs } from "@gripgate/proxy/owner/agent-dialogs"
import { placeOf } from "@gripgate/proxy/owner/place"
import { grantLines } from "@gripgate/proxy/shown/grant-lines"
import { needs } from "@gripgate/testkit/needs"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { openTerminal } from "./pty.ts"

const programs = { tty: needs("pinentry-tty"), curses: needs("pinentry-curses") }

/** How each of them looks when it waits for a passphrase, and the keys for Cancel. */
const dialogs = {
  tty: { ready: /Passphrase: ?$/, cancel: "\u0004" },
  curses: { ready: /<OK>.*<Cancel>/s, cancel: "\t\t\r" }
} as const

const key: PlannedKey = {
  info: {
    keygrip: parseKeygrip("0123456789ABCDEF0123456789ABCDEF01234567")!,
    keyId: "0123456789ABCDEF",
    userId: "Alice <alice@example.org>",
    capabilities: undefined
  },
  protection: "protected",
  sealed: true
}
const keys = Array.from({ length: 5 }, () => key)

const lines = grantLines({
  app: "a-mail-server-with-a-long-name",
  operations: ["sign", "decrypt", "authenticate"],
  until: "2026-05-04T12:00:00.000Z"
})

for (const flavor of ["tty", "curses"] as const) {
  const { cancel, ready } = dialogs[flavor]

  const asking = (path: string, check: (passphrases: Passphrases) => Effect.Effect<string, NotIssued>) =>
    pinentryPassphrases(pinentryTurns({
      homedir: undefined,
      dialogs: new AgentDialogs(),
      program: () => programs[flavor],
      owner: { current: placeOf({ GPG_TTY: path, TERM: "xterm", LC_ALL: "C.UTF-8" }) },
      timeout: () => 30_000
    })).ask(lines, keys, check)

  describe(`pinentry-${flavor}`, () => {
    it.live("shows what the passphrase is for, and not the passphrase", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const before = yield* terminal.modes
        yield* terminal.type("typed before\r")
        yield* Effect.sleep(50)
        const typed = (passphrases: Passphrases) =>
          Effect.sync(() => [...passphrases.values()].map(String).join(" ")).pipe(
            Effect.flatMap((text) =>
              text === "hunter2 %25 \u00fc"
                ? Effect.succeed(text)
                : Effect.fail(new NotIssued({ message: "no", wrong: [key.info.keygrip] }))
            )
          )
        const fiber = yield* Effect.forkChild(asking(terminal.path, typed), { startImmediately: true })
        const screen = yield* terminal.sees(ready)
        for (const line of lines) assert.include(screen, line.trim())
        assert.include(screen, "and 2 more keys")
        const { at } = terminal
        yield* terminal.type("hunter3\r")
        const again = yield* terminal.sees(ready, at)
        assert.include(again, "wrong passphrase")
        const last = terminal.at
        yield* terminal.type("hunter2 %25 \u00fc\r")
        assert.strictEqual(yield* Fiber.join(fiber), "hunter2 %25 \u00fc")
        assert.notInclude(yield* terminal.sees(/[^]*/, last), "hunter")
        assert.notInclude(again, "hunter")
        assert.strictEqual(yield* terminal.modes, before)
      }))

    it.live("is cancelled, or withdrawn, and leaves the terminal as it was", () =>
      Effect.gen(function*() {
        const terminal = yield* openTerminal
        const before = yield* terminal.modes
        const never = () => Effect.succeed("not this")
        const fiber = yield* Effect.forkChild(Effect.flip(asking(terminal.path, never)), { startImmediately: true })
        yield* terminal.sees(ready)
        yield* terminal.type(cancel)
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "NotAsked", why: "cancelled" })
        const { at } = terminal
        assert.strictEqual(yield* terminal.modes, before)
        const other = yield* Effect.forkChild(asking(terminal.path, never), { startImmediately: true })
        yield* terminal.sees(ready, at)
        assert.notStrictEqual(yield* terminal.modes, before)
        yield* Fiber.interrupt(other)
        assert.strictEqual(yield* terminal.modes, before)
      }))
  })
}
