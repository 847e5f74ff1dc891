// Runs a gate as a user does: the command line in a process of its own, waited for until it serves. It imports nothing of the
// gate; what it knows is the contract of `gripgate serve`: --homedir, --listen, --stand-in, --policy, the greeting, and stderr.
import { type ChildProcess, spawn } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Homedir } from "./homedir.ts"
import { connectRaw, type RawClient } from "./raw-client.ts"
import { killGroup } from "./run.ts"

export interface GateOptions {
  /** Whose agent the gate stands before; its environment is the gate's, so that state and settings lie in it too. */
  readonly home: Homedir
  /** Further arguments of `serve`. */
  readonly args?: ReadonlyArray<string>
  /** The text of a policy file; left out, no `--policy` is given. */
  readonly policy?: string
  /** Where it listens; `gate.sock` in the homedir where it is left out. */
  readonly listen?: string
  /** It stands in for the agent: `listen` is then only where it is looked for, else the standard place. */
  readonly standIn?: boolean
  /** Added to the environment of the homedir. */
  readonly env?: Readonly<Record<string, string>>
  /** The script to run; that of the package `gripgate` where it is left out. */
  readonly program?: string
  /** A program that changes what it runs as and becomes the gate: its path and arguments. */
  readonly through?: ReadonlyArray<string>
  /** Called with each whole line of its stderr, without the line feed. */
  readonly onLog?: (line: string) => unknown
  /** Milliseconds until it must serve; 10,000 where it is left out. */
  readonly timeoutMs?: number
}

export interface GateExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Gate extends AsyncDisposable {
  readonly pid: number
  readonly socket: string
  /** The path of the policy file, where a policy was given: rewrite it to change the policy. */
  readonly policyFile: string | undefined
  /** The whole lines of stderr so far. */
  log(): ReadonlyArray<string>
  /** The first line of stderr, already written or to come, that matches. Throws at the time-out and at the gate's end. */
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<string>
  /** Settles when the process has ended. */
  readonly exited: Promise<GateExit>
  /** Sends a signal (SIGTERM) and waits for the end; after `graceMs` (5,000) the whole group is killed. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<GateExit>
  close(): Promise<void>
}

/** The command of the package `gripgate` that is installed beside this one: in a clone, the bundle. */
const installed = (): string => createRequire(import.meta.url).resolve("gripgate/bin/gripgate.mjs")

/** One connection as a client would make it: `true` once the greeting is OK; of a gate, where an agent may answer before. */
const serves = async (socket: string, ofGate: boolean): Promise<boolean> => {
  let client: RawClient | undefined
  try {
    client = await connectRaw(socket)
    const { last } = await client.readReply(1_000)
    await client.command("BYE", 1_000)
    return last.startsWith("OK") && (!ofGate || last.includes("gripgate"))
  } catch {
    return false
  } finally {
    client?.destroy()
  }
}

const follow = (child: ChildProcess, onLog: (line: string) => unknown) => {
  let text = ""
  let told = 0
  let changed = Promise.withResolvers<void>()
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
    for (let lf = text.indexOf("\n", told); lf >= 0; lf = text.indexOf("\n", told)) {
      onLog(text.slice(told, lf))
      told = lf + 1
    }
    changed.resolve()
    changed = Promise.withResolvers()
  })
  return { text: () => text, lines: () => text.split("\n").slice(0, -1), changed: () => changed.promise }
}

/** Starts a gate and waits until it serves. Where it ends before that, the Error carries its stderr. */
export const startGate = async (options: GateOptions): Promise<Gate> => {
  const { home, args = [], timeoutMs = 10_000 } = options
  const socket = options.listen ?? (options.standIn === true ? await home.agentSocket() : join(home.path, "gate.sock"))
  const policyFile = options.policy === undefined ? undefined : join(home.path, "policy.toml")
  if (policyFile !== undefined) await writeFile(policyFile, options.policy!, { mode: 0o600 })
  const where = options.standIn === true ? ["--stand-in"] : ["--listen", socket]
  const argv = [options.program ?? installed(), "serve", "--homedir", home.path, ...where]
  if (policyFile !== undefined) argv.push("--policy", policyFile)
  const [file, ...rest] = [...options.through ?? [], process.execPath, ...argv, ...args]
  const child = spawn(file!, rest, {
    env: { ...home.env, ...options.env },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"]
  })
  const stderr = follow(child, options.onLog ?? (() => {}))
  let exit: GateExit | undefined
  const exited = new Promise<GateExit>((resolve, reject) => {
    child.once("error", reject)
    // not "exit": stderr is to be whole by then
    child.once("close", (code, signal) => resolve(exit = { code, signal }))
  })
  const stop = async (signal: NodeJS.Signals = "SIGTERM", graceMs = 5_000): Promise<GateExit> => {
    const timer = setTimeout(() => killGroup(child.pid), graceMs)
    if (exit === undefined) child.kill(signal)
    try {
      return await exited
    } finally {
      clearTimeout(timer)
    }
  }
  const fail = async (what: string): Promise<never> => {
    killGroup(child.pid)
    const { code, signal } = await exited
    throw new Error(`the gate ${what} (exit code ${code}, signal ${signal})\n${stderr.text().trimEnd()}`)
  }
  const end = performance.now() + timeoutMs
  for (let pause = 2; !await serves(socket, options.standIn === true); pause = Math.min(2 * pause, 20)) {
    if (exit !== undefined) return fail("ended before it served")
    if (performance.now() > end) return fail(`did not serve at ${socket} within ${timeoutMs} ms`)
    await Promise.race([sleep(pause), exited])
  }
  const close = async () => void await stop()
  return {
    pid: child.pid!,
    socket,
    policyFile,
    log: stderr.lines,
    waitForLog: async (pattern, limit = 5_000) => {
      const late = sleep(limit, "late" as const, { ref: false })
      for (;;) {
        const found = stderr.lines().find((line) => pattern.test(line))
        if (found !== undefined) return found
        const what = exit !== undefined ? "the gate has ended" : undefined
        const next = what ?? await Promise.race([stderr.changed(), exited, late])
        if (typeof next !== "string") continue
        throw new Error(`no line of the gate matches ${pattern} (${next})\n${stderr.text().trimEnd()}`)
      }
    },
    exited,
    stop,
    close,
    [Symbol.asyncDispose]: close
  }
}
