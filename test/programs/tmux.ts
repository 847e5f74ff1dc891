// A terminal whose screen can be read: a tmux of its own with one window, in which a shell runs.
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { needs } from "@gripgate/testkit/needs"
import { runOk } from "@gripgate/testkit/run"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

export interface Tmux extends AsyncDisposable {
  /** The screen as it is, without the blanks at the end of its lines. */
  screen(): Promise<ReadonlyArray<string>>
  /** The screen with its colours and faces, as escape sequences. */
  painted(): Promise<string>
  /** Waits until the screen, as one text, is as wanted. */
  waitFor(wanted: RegExp, timeoutMs?: number): Promise<string>
  /** Types keys by their names in tmux: `y`, `Up`, `C-c`, `PPage`. */
  keys(...names: ReadonlyArray<string>): Promise<void>
  /** Types a text, and Enter behind it. */
  line(text: string): Promise<void>
  /** Pastes a text, as a person does with the mouse. */
  paste(text: string): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  /** A format of tmux: `#{alternate_on}`, `#{cursor_flag}`, `#{pane_pid}`. */
  ask(format: string): Promise<string>
}

export interface TmuxOptions {
  readonly columns: number
  readonly rows: number
  /** The whole environment of the shell. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts a shell, whose prompt is `$ `, on a terminal of this size. */
export const startTmux = async ({ columns, env, rows }: TmuxOptions): Promise<Tmux> => {
  const program = needs("tmux")
  const folder = await makeFolder("gm")
  const tmux = async (...args: ReadonlyArray<string>): Promise<string> => {
    const argv = [program, "-u", "-S", join(folder, "tmux"), "-f", "/dev/null", ...args]
    return (await runOk(argv, { env, cwd: folder })).stdout.toString()
  }
  const size = ["-x", String(columns), "-y", String(rows)]
  await tmux("new-session", "-d", ...size, "env", "PS1=$ ", "bash", "--norc", "--noprofile")
  const screen = async () => (await tmux("capture-pane", "-p")).replace(/\n$/, "").split("\n")
  const waitFor = async (wanted: RegExp, timeoutMs = 10_000): Promise<string> => {
    const end = performance.now() + timeoutMs
    for (;;) {
      const text = (await screen()).join("\n")
      if (wanted.test(text)) return text
      if (performance.now() > end) throw new Error(`the screen never was like ${wanted}:\n${text}`)
      await sleep(30)
    }
  }
  await waitFor(/^\$ ?$/m)
  return {
    screen,
    painted: () => tmux("capture-pane", "-p", "-e"),
    waitFor,
    keys: async (...names) => void await tmux("send-keys", ...names),
    line: async (text) => {
      await tmux("send-keys", "-l", text)
      await tmux("send-keys", "Enter")
    },
    paste: async (text) => {
      await tmux("set-buffer", text)
      await tmux("paste-buffer", "-p")
    },
    resize: async (columns, rows) => {
      await tmux("resize-window", "-x", String(columns), "-y", String(rows))
    },
    ask: async (format) => (await tmux("display-message", "-p", format)).trim(),
    [Symbol.asyncDispose]: async () => {
      await tmux("kill-server").catch(() => {})
      await removeFolder(folder)
    }
  }
}
