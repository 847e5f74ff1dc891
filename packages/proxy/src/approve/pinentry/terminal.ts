// The terminal on which a pinentry without windows asks: whether it is one, and what was typed there before the question. It is
// opened without becoming the gate's own, and without waiting.
import * as fs from "node:fs"
import { isatty } from "node:tty"
import { reasonOf } from "../../reason.ts"

/** Flavors that need a terminal. What follows a colon is what a program with windows has fallen back to (pinentry.c). */
export const needsTerminal = (flavor: string): boolean => /(?:^|:)(?:curses|tty)$/.test(flavor)

const open = (path: string): number =>
  fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NOCTTY | fs.constants.O_NONBLOCK)

/** Why a pinentry cannot ask there; `undefined` where it can. On /dev/null pinentry-tty says no, and -curses waits. */
export const terminalProblem = (path: string | undefined): string | undefined => {
  if (path === undefined) return "it asks on a terminal, and the owner has none"
  try {
    const fd = open(path)
    try {
      return isatty(fd) ? undefined : "what is to be the owner's terminal is none"
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    return `the owner's terminal cannot be opened: ${reasonOf(error)}`
  }
}

/**
 * Whether reading from this terminal could stop the gate: it is the gate's own, and the gate is in the background there
 * (termios(3), SIGTTIN). Where that cannot be known it could.
 */
const mayStop = (fd: number): boolean => {
  try {
    const stat = fs.readFileSync("/proc/self/stat", "latin1")
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number)
    return terminal === fs.fstatSync(fd).rdev && group !== foreground
  } catch {
    return true
  }
}

/** Bytes that are read away at the most; a terminal keeps 4096. */
const MAX_TYPED = 16 * 4096

/**
 * Throws away what was typed and nobody has read. To pinentry-curses an Enter that was pressed twice for the last dialog is a
 * yes to the next, as the first button has the focus; pinentry-tty throws it away itself.
 */
export const forgetTyped = (path: string): void => {
  try {
    const fd = open(path)
    try {
      if (!isatty(fd) || mayStop(fd)) return
      const bytes = Buffer.alloc(4096)
      for (let read = 0; read < MAX_TYPED;) {
        const count = fs.readSync(fd, bytes)
        if (count === 0) return
        read += count
      }
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    // EAGAIN: nothing is left; whatever else is wrong, the pinentry will say
  }
}
