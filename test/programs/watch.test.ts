// `gripgate watch` on a real terminal, before a gate that is nothing but a control socket: what is on the screen, what keys do, and
// that the terminal is afterwards as it was.
import { assert, describe, it } from "@effect/vitest"
import { needs } from "@gripgate/testkit/needs"
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type HandMadeGate, question, serveGate } from "./hand-made-gate.ts"
import { startTmux, type Tmux } from "./tmux.ts"

needs("tmux")

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8", TZ: "UTC" }

interface Stage {
  readonly tmux: Tmux
  readonly gate: HandMadeGate
}

interface How {
  readonly columns?: number
  readonly rows?: number
  /** What stands before the program in the command line. */
  readonly before?: string
}

/** A terminal with the watch in it, and its gate, which asks nothing yet. */
const onStage = async (use: (stage: Stage) => Promise<void>, how: How = {}): Promise<void> => {
  await using gate = await serveGate()
  await using tmux = await startTmux({ columns: how.columns ?? 80, rows: how.rows ?? 24, env: environment })
  const program = `"${process.execPath}" ${how.before ?? ""} "${PROGRAM}"`
  await tmux.line(`clear; ${program} watch --control ${gate.path}; echo ended with $?`)
  await tmux.waitFor(/^nothing is asked$/m)
  await use({ tmux, gate })
}

/** Asks, and waits until keys are heard. */
const ask = async ({ gate, tmux }: Stage, ...asks: ReadonlyArray<ReturnType<typeof question>>) => {
  gate.ask(...asks)
  await tmux.waitFor(new RegExp(`^> {2}${asks[0]!.id} `, "m"))
  await sleep(600)
}

/** The shell has its terminal back: its screen, echo and lines, the cursor. */
const assertRestored = async (tmux: Tmux, ended: RegExp) => {
  const text = await tmux.waitFor(ended)
  assert.notInclude(text, "? help")
  assert.strictEqual(await tmux.ask("#{alternate_on} #{cursor_flag}"), "0 1")
  await tmux.line("clear; stty -a | grep -o -e '-*icanon' -e ' -*echo '")
  await tmux.waitFor(/^icanon\n echo$/m)
}

const trust = question("M3XA", {
  app: null,
  operation: "trust",
  purpose: "have a root certificate trusted",
  command: "MARKTRUSTED",
  key: null,
  keys: [],
  digest: null,
  said: { by: "agent", text: "Do you ultimately trust\n\"CN=Root\"\u001b[2J?" },
  offers: { forMs: null, always: false }
})

describe("gripgate watch", () => {
  it("shows what is asked as it comes and goes, and one key answers it", () =>
    onStage(async (stage) => {
      const { gate, tmux } = stage
      await ask(stage, question("7KQ2"), trust, question("Q4W7", { state: "waiting", endsAt: null }))
      const text = await tmux.waitFor(/shown on \/dev\/pts\/3 and :0/)
      assert.match(text, /^ gripgate {2}2 asked, 1 in line /)
      assert.include(text, "wants   the app mailpile wants to sign (PKSIGN)")
      assert.match(text, /\ny once {2}w 15m {2}n no {2}A always {2}N never {2}up\/down choose {2}\? help {2}q quit$/)

      await tmux.keys("Down")
      const other = await tmux.waitFor(/^> {2}M3XA .*\n[^]*\ny once {2}n no {2}up\/down/m)
      assert.include(other, "agent   | Do you ultimately trust\n        | \"CN=Root\"\\u{1b}[2J?\n")
      await tmux.keys("n")
      await tmux.waitFor(/^M3XA: no, for this once$/m)

      // what has come under the mark is not answered by a key that was meant for another
      await tmux.keys("y")
      await tmux.waitFor(/^that key was not taken/m)
      await sleep(600)
      await tmux.keys("Up")
      await tmux.waitFor(/^> {2}7KQ2/m)
      await tmux.keys("w")
      await tmux.waitFor(/^7KQ2: yes, for 15 minutes$/m)
      assert.deepStrictEqual(gate.answers, [["M3XA", "no", "once", "watch"], ["7KQ2", "yes", 900_000, "watch"]])
    }))

  it("asks again before always and never, and any key but y takes it back", () =>
    onStage(async (stage) => {
      const { gate, tmux } = stage
      await ask(stage, question("7KQ2"))
      await tmux.keys("A")
      await tmux.waitFor(/^7KQ2 always\? y confirms/m)
      await tmux.keys("n")
      await tmux.waitFor(/^y once /m)
      assert.deepStrictEqual(gate.answers, [])
      await tmux.keys("N", "y")
      await tmux.waitFor(/^7KQ2: never: /m)
      assert.deepStrictEqual(gate.answers, [["7KQ2", "no", "always", "watch"]])
    }))

  it("takes nothing for an answer that was typed before the question was there, or pasted", () =>
    onStage(async ({ gate, tmux }) => {
      await tmux.keys("y", "w", "A", "y")
      gate.ask(question("7KQ2"))
      await tmux.waitFor(/^> {2}7KQ2/m)
      await tmux.keys("y")
      await tmux.waitFor(/^that key was not taken/m)
      await sleep(600)
      await tmux.paste("yes, why not\nAy")
      await tmux.keys("?")
      await tmux.waitFor(/^any key goes back$/m)
      assert.deepStrictEqual(gate.answers, [])
    }))

  it("says what a gate refuses, and goes on", () =>
    onStage(async (stage) => {
      const { gate, tmux } = stage
      await ask(stage, question("7KQ2"))
      gate.refuse("it has ended already: \u001b[2Jyes, by pinentry")
      await tmux.keys("y")
      const text = await tmux.waitFor(/^7KQ2: it has ended already: /m)
      assert.include(text, "\\u{1b}[2Jyes, by pinentry")
      assert.match(text, /^> {2}7KQ2 /m)
    }))

  it("follows the size of the terminal, and is whole at any", () =>
    onStage(async (stage) => {
      const { tmux } = stage
      await ask(stage, question("7KQ2"), question("Q4W7", { state: "waiting", endsAt: null }))
      for (const [columns, rows] of [[40, 10], [200, 50], [20, 3], [80, 24]] as const) {
        await tmux.resize(columns, rows)
        const lines = `^.*\\d\\d:\\d\\d:\\d\\d ?(?:\\n.*){${rows - 2}}\\ny once.*$`
        const text = await tmux.waitFor(new RegExp(lines))
        assert.lengthOf(text.split("\n"), rows)
        assert.strictEqual(text.split("> ").length, 2)
      }
      await tmux.waitFor(/^> {2}7KQ2 [^]*^wants {3}the app mailpile wants to sign \(PKSIGN\)$/m)
    }))

  it("says that the gate has gone, and finds the next one", () =>
    onStage(async (stage) => {
      const { gate, tmux } = stage
      await ask(stage, question("7KQ2"))
      await gate.stop()
      const gone = await tmux.waitFor(/^(?:no gate runs at|the gate at) /m)
      assert.notInclude(gone, "7KQ2")
      await using next = await serveGate(gate.path)
      next.ask(trust)
      await tmux.waitFor(/^> {2}M3XA/m)
    }))
})

describe("gripgate watch gives the terminal back", () => {
  const stops: ReadonlyArray<readonly [string, (stage: Stage) => Promise<void>, RegExp]> = [
    ["after q", ({ tmux }) => tmux.keys("q"), /^ended with 0$/m],
    ["after Ctrl-C", ({ tmux }) => tmux.keys("C-c"), /^ended with 130$/m],
    ["after SIGTERM", ({ tmux }) => signal(tmux, "SIGTERM"), /^ended with 143$/m],
    ["after SIGHUP", ({ tmux }) => signal(tmux, "SIGHUP"), /^ended with 129$/m],
    [
      "when it may not watch any more",
      async ({ gate }) => gate.deny("only an owner may", "[gate] owners names those who may"),
      /^gripgate: error: only an owner may\ngripgate: hint: \[gate\] owners names those who may\nended with 77$/m
    ]
  ]
  for (const [when, stop, ended] of stops) {
    it(when, () =>
      onStage(async (stage) => {
        await ask(stage, question("7KQ2"))
        await stop(stage)
        await assertRestored(stage.tmux, ended)
      }))
  }

  it("after a crash, and what is told of it stands on the screen of the shell", () => {
    const crash = "--import \"data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('on purpose')})\""
    return onStage(async ({ tmux }) => {
      await signal(tmux, "SIGUSR2")
      await assertRestored(tmux, /^gripgate: bug: this should not .*\n[^]*Error: on purpose\n[^]*^ended with 70$/m)
    }, { before: crash })
  })

  it("while it is stopped by Ctrl-Z, and takes it again with fg", () =>
    onStage(async (stage) => {
      const { gate, tmux } = stage
      await ask(stage, question("7KQ2"))
      await tmux.keys("C-z")
      await assertRestored(tmux, /Stopped/)
      gate.ask(trust)
      await tmux.line("fg; echo ended with $?")
      const text = await tmux.waitFor(/^> {2}M3XA/m)
      assert.match(text, /^ gripgate {2}1 asked /)
      await sleep(600)
      await tmux.keys("n")
      await tmux.waitFor(/^M3XA: no, for this once$/m)
      await tmux.keys("q")
      await assertRestored(tmux, /^ended with 0$/m)
    }))
})

/** Sends a signal to what runs in the terminal. */
const signal = async (tmux: Tmux, name: NodeJS.Signals): Promise<void> => {
  const shell = await tmux.ask("#{pane_pid}")
  const [pid] = readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim().split(" ")
  process.kill(Number(pid), name)
}
