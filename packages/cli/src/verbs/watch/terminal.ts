// The terminal of `gripgate watch`: raw keys in, lines out, in the alternate buffer. Whatever way the process takes out, the
// terminal is as it was. What keys and lines mean is no matter here.
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { faced } from "../../output.ts"
import type { Line } from "../../screens/line.ts"
import { type Key, nothingRead, PASTE_OFF, PASTE_ON, readKeys } from "./keys.ts"

/** What happens at the terminal. */
export interface Listener {
  readonly key: (key: Key) => void
  readonly resized: () => void
  /** It is ours again, after a stop, and drawn anew. */
  readonly back: () => void
  /** Nobody is there any more. */
  readonly lost: () => void
}

export interface Terminal {
  /** Shows these lines, one for each row. */
  readonly draw: (lines: ReadonlyArray<Line>) => void
  /** What is on the screen is not trusted any more. */
  readonly forget: () => void
  /** Gives the terminal back to the shell and stops, as Ctrl-Z does everywhere. */
  readonly suspend: () => void
}

/** How large it is; one that does not know says 0. */
export const sizeOfStdout = (): { readonly columns: number; readonly rows: number } => ({
  columns: process.stdout.columns || 80,
  rows: process.stdout.rows || 24
})

// the alternate buffer, without a cursor (xterm, DEC private modes)
const ENTER = `\u001b[?1049h\u001b[?25l${PASTE_ON}\u001b[2J`
const LEAVE = `${PASTE_OFF}\u001b[0m\u001b[?25h\u001b[?1049l`

/** Milliseconds after which it has not been stopped: nobody would ever continue it. */
const NOT_STOPPED = 300

/** Takes the terminal, until the scope closes. */
export const openTerminal = (on: Listener): Effect.Effect<Terminal, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => take(on)), ({ close }) => Effect.sync(close))

const take = (on: Listener): Terminal & { readonly close: () => void } => {
  const { stdin, stdout } = process
  let drawn: ReadonlyArray<string> = []
  let inside = false
  let reading = nothingRead

  const enter = () => {
    // while it was not ours a shell may have set it, which Node does not know: it sets nothing twice
    setRaw(false)
    setRaw(true)
    stdout.write(ENTER)
    inside = true
    drawn = []
  }
  const leave = () => {
    if (!inside) return
    inside = false
    stdout.write(LEAVE)
    setRaw(false)
  }
  const onData = (text: string) => {
    const [next, keys] = readKeys(reading, text)
    reading = next
    keys.forEach(on.key)
  }
  const onBack = () => {
    enter()
    reading = nothingRead
    on.back()
  }
  /** Stops as it would have without us. */
  const onStop = () => {
    leave()
    process.off("SIGTSTP", onStop)
    process.off("SIGCONT", onBack)
    let timer: NodeJS.Timeout | undefined = undefined
    const again = () => {
      clearTimeout(timer)
      process.off("SIGCONT", again).on("SIGCONT", onBack).on("SIGTSTP", onStop)
      onBack()
    }
    process.on("SIGCONT", again)
    process.kill(process.pid, "SIGTSTP")
    timer = setTimeout(again, NOT_STOPPED)
  }
  const close = () => {
    leave()
    stdin.off("data", onData).off("end", on.lost).pause()
    stdout.off("resize", on.resized)
    process.off("exit", leave).off("uncaughtException", leave).off("SIGTSTP", onStop).off("SIGCONT", onBack)
  }

  stdin.setEncoding("utf8").on("data", onData).on("end", on.lost)
  // a terminal that has hung up; that may come late, and is no crash then
  stdin.on("error", on.lost)
  stdout.on("resize", on.resized)
  // what is told of a crash is told on the screen of the shell
  process.on("exit", leave).prependListener("uncaughtException", leave)
  process.on("SIGTSTP", onStop).on("SIGCONT", onBack)
  enter()

  return {
    draw: (lines) => {
      if (!inside) return
      const next = lines.map(faced)
      const changed = next.flatMap((text, row) => text === drawn[row] ? [] : [`\u001b[${row + 1};1H\u001b[2K${text}`])
      drawn = next
      if (changed.length > 0) stdout.write(changed.join(""))
    },
    forget: () => {
      drawn = []
      if (inside) stdout.write("\u001b[2J")
    },
    suspend: () => {
      // first: the shell takes the terminal as soon as the npx that runs this has stopped
      leave()
      process.kill(0, "SIGTSTP")
    },
    close
  }
}

/** A terminal that has hung up has no mode to set. */
const setRaw = (raw: boolean): void => {
  try {
    process.stdin.setRawMode(raw)
  } catch {
    // and no screen either
  }
}
