import { assert, describe, it } from "@effect/vitest"
import { needsTerminal, terminalProblem } from "../../../src/approve/pinentry/terminal.ts"

describe("needsTerminal", () => {
  it("holds for flavors without windows, and for those that have fallen back to one", () => {
    for (const flavor of ["curses", "tty", "gtk2:curses", "gnome3:curses", "qt5:curses"]) {
      assert.isTrue(needsTerminal(flavor), flavor)
    }
    for (const flavor of ["gtk2", "gnome3", "qt", "qt5", "emacs", "curses:emacs", "mac", "", "pretty", "scripted"]) {
      assert.isFalse(needsTerminal(flavor), flavor)
    }
  })
})

describe("terminalProblem", () => {
  it("is none for a terminal", () => {
    // the other end of a pseudo-terminal is one too (Linux drivers/tty/pty.c)
    assert.isUndefined(terminalProblem("/dev/ptmx"))
  })

  it("says what is wrong with everything else", () => {
    assert.strictEqual(terminalProblem(undefined), "it asks on a terminal, and the owner has none")
    assert.strictEqual(terminalProblem("/dev/zero"), "what is to be the owner's terminal is none")
    assert.strictEqual(
      terminalProblem("/dev/pts/999999"),
      "the owner's terminal cannot be opened: no such file or directory"
    )
    assert.strictEqual(
      terminalProblem("/etc"),
      "the owner's terminal cannot be opened: illegal operation on a directory"
    )
  })
})
