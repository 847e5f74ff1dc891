// What the verbs of the owner make of the terminal on which they run: its name, its width, and whether it wants faces.
import { assert, describe, it } from "@effect/vitest"
import { needs } from "@gripgate/testkit/needs"
import { fileURLToPath } from "node:url"
import { type HandMadeGate, question, serveGate } from "./hand-made-gate.ts"
import { startTmux, type Tmux } from "./tmux.ts"

needs("tmux")

const PROGRAM = fileURLToPath(new URL("../../packages/cli/bin/gripgate.mjs", import.meta.url))

const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/nonexistent", LC_ALL: "C.UTF-8", TZ: "UTC" }

/** Runs one verb on a terminal of its own; what stands before it is for the shell. */
const onTerminal = async (
  columns: number,
  line: (program: string, gate: HandMadeGate) => string,
  use: (tmux: Tmux, text: string) => Promise<void>
): Promise<void> => {
  await using gate = await serveGate()
  gate.ask(question("7KQ2"))
  await using tmux = await startTmux({ columns, rows: 40, env: environment })
  await tmux.line(`clear; ${line(`"${process.execPath}" "${PROGRAM}"`, gate)}; echo ended with $?`)
  await use(tmux, await tmux.waitFor(/^ended with \d+$/m))
}

describe("gripgate tty", () => {
  it("tells the terminal of one of its streams, and the display", () =>
    onTerminal(
      80,
      (program, { path }) => `DISPLAY=:7 ${program} tty --control ${path} < /dev/null | cat`,
      async (tmux, text) => {
        const tty = await tmux.ask("#{pane_tty}")
        assert.include(text, `questions appear on ${tty} and :7\nended with 0`)
      }
    ))

  it("tells the same as JSON", () =>
    onTerminal(80, (program, { path }) => `${program} tty --json --control ${path}`, async (tmux, text) => {
      const tty = await tmux.ask("#{pane_tty}")
      assert.include(text, `{\n  "display": null,\n  "tty": "${tty}"\n}\nended with 0`)
    }))
})

describe("gripgate asks", () => {
  it("is as wide as the terminal, and its heads are bold", () =>
    onTerminal(50, (program, { path }) => `${program} asks --control ${path}`, async (tmux, text) => {
      assert.match(text, /^7KQ2 {2}mailpile {2}sign {2}\d+m?\d*s left$/m)
      assert.include(text, "\n  who     by facts that the kernel vouches for:\n")
      assert.include(await tmux.painted(), "\u001b[1m7KQ2  mailpile")
    }))

  it("has no faces where NO_COLOR is set", () =>
    onTerminal(80, (program, { path }) => `NO_COLOR=1 ${program} asks --control ${path}`, async (tmux, text) => {
      assert.match(text, /^7KQ2 {2}mailpile {2}sign {2}6F1D0C6A3B2E9A41 {2}asked \d+s ago/m)
      assert.notInclude(await tmux.painted(), "\u001b[1m")
    }))
})

describe("gripgate watch", () => {
  it("is refused by a terminal that cannot be drawn on, with another way to do it", () =>
    onTerminal(120, (program, { path }) => `TERM=dumb ${program} watch --control ${path}`, async (tmux, text) => {
      assert.match(text, /^gripgate: error: a terminal with TERM="dumb" has no screen to draw on$/m)
      assert.match(text, /^gripgate: hint: gripgate asks prints the questions, and gripgate approve ID answers$/m)
      assert.match(text, /^ended with 64$/m)
      assert.strictEqual(await tmux.ask("#{alternate_on}"), "0")
    }))

  it("leaves the screen alone where there is no gate", () =>
    onTerminal(80, (program) => `${program} watch --control ./none`, async (tmux, text) => {
      assert.include(text, "gripgate: error: no gate runs at ./none\ngripgate: hint: start one with: gripgate serve\n")
      assert.match(text, /^ended with 69$/m)
      assert.strictEqual(await tmux.ask("#{alternate_on}"), "0")
    }))
})
