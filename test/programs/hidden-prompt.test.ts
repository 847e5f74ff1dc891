// A passphrase typed at `gripgate grant`, on a real terminal: it is not on the screen, and the terminal is as it was, whatever way the
// command took out.
import { assert, describe, it } from "@effect/vitest"
import type { GrantedEntry, Planned } from "@gripgate/proxy/control/message/granted"
import { refused } from "@gripgate/proxy/control/problem"
import { serveControl } from "@gripgate/proxy/control/server"
import type { ControlVerbs } from "@gripgate/proxy/control/server"
import { makeToken } from "@gripgate/proxy/grant/token"
import { LogService } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { runOk } from "@gripgate/testkit/run"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { gateVerbs } from "./hand-made-gate.ts"
import { startTmux, type Tmux } from "./tmux.ts"

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))
const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8", TZ: "UTC" }

const A = "A".repeat(40)
const B = "B".repeat(40)
const key = (keygrip: string): Planned["keys"][number] => ({
  keygrip,
  keyId: keygrip.slice(24),
  userId: null,
  protection: "protected",
  sealed: true
})
const made: GrantedEntry = {
  id: "AB23",
  app: "mail",
  session: null,
  keys: [],
  operations: ["sign"],
  answer: "yes",
  token: true,
  madeAt: "2026-02-03T04:05:06.789Z",
  madeBy: { through: "grant", uid: 1000 },
  expiresAt: null,
  revokedAt: null,
  uses: 0,
  usesLeft: null,
  limit: null,
  lastUsedAt: null,
  previousUntil: null,
  effective: true,
  reason: null
}

/** A gate for which these are the passphrases, and a terminal with a shell on it. */
const onTerminal = async (
  right: Readonly<Record<string, string>>,
  use: (at: {
    readonly tmux: Tmux
    readonly command: string
    readonly folder: string
    readonly given: ReadonlyArray<Readonly<Record<string, string>>>
    readonly modes: () => Promise<string>
  }) => Promise<void>
): Promise<void> => {
  await using stack = new AsyncDisposableStack()
  const folder = await makeFolder("gh")
  stack.defer(() => removeFolder(folder))
  const given: Array<Readonly<Record<string, string>>> = []
  const grant: ControlVerbs["grant"] = (_, { passphrases }) =>
    Effect.suspend(() => {
      const texts = Object.fromEntries([...passphrases].map(([grip, bytes]) => [grip, bytes.toString()]))
      given.push(texts)
      const wrong = Object.keys(right).filter((grip) => texts[grip] !== right[grip])
      return wrong.length === 0
        ? Effect.succeed({ result: { grant: made }, token: makeToken("AB23"), lost: Effect.void })
        : Effect.fail({ ...refused("that is not the passphrase"), wrong })
    })
  const scope = Scope.makeUnsafe()
  stack.defer(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  const path = join(folder, "control")
  const plan = () =>
    Effect.succeed({ app: "mail", operations: ["sign"], keys: Object.keys(right).map(key), notes: ["one thing"] })
  await Effect.runPromise(
    serveControl({
      path,
      verbs: { ...gateVerbs, plan, grant },
      facts: () => Effect.succeed({ socket: path, chain: [] }),
      denied: () => undefined
    }).pipe(Scope.provide(scope), Effect.provideService(LogService, { level: 3, write: () => {} }))
  )
  const tmux = stack.use(await startTmux({ columns: 100, rows: 30, env: environment }))
  const tty = await tmux.ask("#{pane_tty}")
  const command = `"${process.execPath}" "${PROGRAM}" grant mail --key x --control ${path} > ${folder}/token`
  await use({
    tmux,
    command,
    folder,
    given,
    modes: async () => (await runOk(["stty", "-F", tty, "-g"])).stdout.toString()
  })
}

// at the end of a screen there are empty lines, and no blanks at the end of one
const prompt = /Passphrase for A{16}:\s*$/

describe("a passphrase at the terminal", () => {
  it("is asked for after the notes, is not shown, and can be corrected", () =>
    onTerminal({ [A]: "gr\u00fcn 2" }, async ({ command, folder, given, tmux }) => {
      await tmux.line(`clear; umask 077; ${command} < /dev/null; echo ended with $?`)
      assert.include(await tmux.waitFor(prompt), "gripgate: note: one thing\n")
      await tmux.keys("x")
      await tmux.keys("C-u")
      await tmux.line("gr\u00fc\u00e4")
      await tmux.waitFor(/wrong for A{16}\nPassphrase for A{16}:\s*$/)
      await tmux.keys("g", "r", "\u00fc", "\u00e4", "BSpace", "Left", "n", "Space", "2", "Enter")
      const screen = await tmux.waitFor(/^ended with \d+$/m)
      assert.include(screen, "ended with 0")
      assert.deepStrictEqual(given, [{ [A]: "gr\u00fc\u00e4" }, { [A]: "gr\u00fcn 2" }])
      assert.notMatch(screen, /gr\u00fc/)
      assert.match(screen, /^grant AB23: mail may sign/m)
      const token = await readFile(join(folder, "token"), "utf8")
      assert.match(token, /^gg1-AB23-[2-9A-Z]{27}-[2-9A-Z]{4}\n$/)
      assert.notInclude(screen, token.trim())
    }))

  it("is asked for again only for the keys that it was wrong for, and three times", () =>
    onTerminal({ [A]: "one", [B]: "two" }, async ({ command, given, tmux }) => {
      await tmux.line(`clear; ${command}; echo ended with $?`)
      await tmux.waitFor(/Passphrase for A{16} and 1 more:\s*$/)
      await tmux.line("one")
      await tmux.waitFor(/right, but another for B{16}\nPassphrase for B{16}:\s*$/)
      for (const [count, text] of [[2, "x"], [3, "y"]] as const) {
        await tmux.line(text)
        await tmux.waitFor(new RegExp(`(?:gripgate: wrong for B{16}\\nPassphrase for B{16}:\\s*){${count - 1}}$`))
      }
      await tmux.line("z")
      const screen = await tmux.waitFor(/^ended with \d+$/m)
      assert.match(screen, /gripgate: error: the passphrase is wrong for B{16}\nended with 1/)
      assert.deepStrictEqual(given.map((each) => each[B]), ["one", "x", "y", "z"])
      assert.deepStrictEqual([...new Set(given.map((each) => each[A]))], ["one"])
    }))

  it("is none where nothing is typed", () =>
    onTerminal({ [A]: "one" }, async ({ command, given, tmux }) => {
      for (const key of ["Enter", "C-d"]) {
        await tmux.line(`clear; ${command}; echo ended with $?`)
        await tmux.waitFor(prompt)
        await tmux.keys(key)
        assert.match(await tmux.waitFor(/^ended with \d+$/m), /error: no passphrase was typed\nended with 1/)
      }
      assert.deepStrictEqual(given, [])
    }))

  it("leaves the terminal as it was at the end, at Ctrl-C, and when it is ended by a signal", () =>
    onTerminal({ [A]: "one" }, async ({ command, given, modes, tmux }) => {
      const ways: ReadonlyArray<readonly [() => Promise<unknown>, number]> = [
        [() => tmux.line("one"), 0],
        [() => tmux.keys("C-c"), 130],
        [() => signal("TERM"), 143],
        [() => signal("HUP"), 129]
      ]
      const signal = async (name: string) => {
        const pid = await tmux.ask("#{pane_pid}")
        const { stdout } = await runOk(["pgrep", "-P", pid])
        await runOk(["kill", `-${name}`, ...stdout.toString().trim().split("\n")])
      }
      for (const [leave, code] of ways) {
        const before = await stable(modes)
        await tmux.line(`clear; ${command}; code=$?; echo "ended with $code"`)
        await tmux.waitFor(prompt)
        assert.notStrictEqual(await modes(), before)
        await leave()
        if (code === 130) await sleep(300)
        else assert.include(await tmux.waitFor(/^ended with \d+$/m), `ended with ${code}`)
        await tmux.waitFor(/\$\s*$/)
        assert.strictEqual(await stable(modes), before, String(code))
      }
      assert.lengthOf(given, 1)
    }))

  it("is asked for again after a stop, during which the terminal is the shell's", () =>
    onTerminal({ [A]: "one" }, async ({ command, given, tmux }) => {
      await tmux.line(`clear; ${command}; echo ended with $?`)
      await tmux.waitFor(prompt)
      await tmux.keys("o", "C-z")
      await tmux.waitFor(/Stopped[^]*\$\s*$/)
      await tmux.line("echo shown")
      await tmux.waitFor(/^shown$/m)
      await tmux.line("fg")
      await tmux.waitFor(/fg[^]*Passphrase for A{16}:\s*$/)
      await tmux.keys("n", "e", "Enter")
      for (let i = 0; i < 200 && given.length === 0; i++) await sleep(20)
      assert.deepStrictEqual(given, [{ [A]: "one" }])
    }))
})

/** The modes once the shell waits for a line again: it has modes of its own while it reads one. */
const stable = async (modes: () => Promise<string>): Promise<string> => {
  await sleep(200)
  return await modes()
}
