// The command under test as a process: it has the terminal, gets the signals that are meant for it, and its end becomes an exit
// code the way a shell puts it.
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import { spawn } from "node:child_process"
import { constants } from "node:os"
import { signalCode, type StopSignal } from "../../signals.ts"

/** Milliseconds that a command gets to end by itself after SIGTERM or SIGHUP. */
const GRACE = 5_000

export type ChildEnd =
  | { readonly code: number }
  /** It could not be started: why, and 127 or 126. */
  | { readonly code: 126 | 127; readonly message: string }

/** Signals that came, also before there is a command. */
export interface Signals {
  readonly first: StopSignal | undefined
  /** Called with each signal from now on. */
  listen(listener: (signal: StopSignal) => void): void
}

/** From now on these signals do not end this process. */
export const catchSignals = (): Signals => {
  let first: StopSignal | undefined
  let listener: (signal: StopSignal) => void = () => {}
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      first ??= signal
      listener(signal)
    })
  }
  return {
    get first() {
      return first
    },
    listen: (next) => void (listener = next)
  }
}

/** Runs the command to its end. */
export const runChild = (
  command: readonly [string, ...Array<string>],
  env: Readonly<Record<string, string | undefined>>,
  signals: Signals
): Promise<ChildEnd> =>
  new Promise((resolve) => {
    const [program, ...args] = command
    const child = spawn(program, args, { env, stdio: "inherit" })
    let grace: NodeJS.Timeout | undefined
    signals.listen((signal) => {
      // a Ctrl-C of the terminal goes to both of us
      if (signal === "SIGINT" && process.stdin.isTTY) return
      child.kill(signal)
      if (signal !== "SIGINT") grace ??= setTimeout(() => child.kill("SIGKILL"), GRACE)
    })
    child.once("error", (error) => {
      const missing = codeOf(error) === "ENOENT"
      resolve({ code: missing ? 127 : 126, message: missing ? "it is not found" : reasonOf(error) })
    })
    child.once("exit", (code, signal) => {
      clearTimeout(grace)
      const { first } = signals
      if (first !== undefined && first !== "SIGINT") return resolve({ code: signalCode[first] })
      resolve({ code: code ?? 128 + constants.signals[signal!] })
    })
  })
