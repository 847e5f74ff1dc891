// Runs one program to its end, without a shell, in a process group of its own: no controlling terminal to prompt on, and
// at the time-out nothing of it is left. Its border: it knows nothing of GnuPG.
import { spawn } from "node:child_process"

export interface RunOptions {
  /** The whole environment of the child; that of this process where it is left out. */
  readonly env?: Readonly<Record<string, string>>
  /** What the child reads from its standard input; nothing (/dev/null) where it is left out. */
  readonly input?: Uint8Array | string
  readonly cwd?: string
  /** Milliseconds until the whole group is killed; 30,000 where it is left out. */
  readonly timeoutMs?: number
}

export interface RunResult {
  /** `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly timedOut: boolean
  readonly stdout: Buffer
  readonly stderr: string
}

/** Kills a process group by the pid of its leader; a group that is gone already is no error. */
export const killGroup = (pid: number | undefined, signal: NodeJS.Signals = "SIGKILL"): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: it has ended by itself
  }
}

/** Runs a program and waits for it. Rejects only where it cannot be started; an exit code is a result. */
export const run = (argv: ReadonlyArray<string>, options: RunOptions = {}): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv
    if (program === undefined) throw new Error("run: expected a program, got an empty argv")
    const child = spawn(program, args, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"]
    })
    const stdout: Array<Buffer> = []
    const stderr: Array<Buffer> = []
    let timedOut = false
    child.stdout!.on("data", (chunk: Buffer) => stdout.push(chunk))
    child.stderr!.on("data", (chunk: Buffer) => stderr.push(chunk))
    // a child that does not read its input to the end (EPIPE) says why on stderr or in its exit code
    child.stdin?.on("error", () => {})
    child.stdin?.end(options.input)
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child.pid)
      // a daemon that left the group may hold the pipes open for ever
      child.stdout!.destroy()
      child.stderr!.destroy()
    }, options.timeoutMs ?? 30_000)
    child.once("error", (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once("close", (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, timedOut, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })
    })
  })

/** The same, and anything but exit code 0 is an Error that names the program, how it ended and what it said. */
export const runOk = async (argv: ReadonlyArray<string>, options: RunOptions = {}): Promise<RunResult> => {
  const result = await run(argv, options)
  if (result.code === 0) return result
  const how = result.timedOut ? "did not end in time" : `ended with ${result.signal ?? `exit code ${result.code}`}`
  throw new Error(`${argv.join(" ")}: ${how}\n${result.stderr.trimEnd()}`)
}
