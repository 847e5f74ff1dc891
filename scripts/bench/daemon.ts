// Starts what stands between a client and the agent, and tells how long it took to greet.
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { Client } from "./dialogue.ts"

export interface Daemon {
  readonly pid: number
  /** Milliseconds from the start until a client was greeted. */
  readonly readyMs: number
  stop(): Promise<void>
}

const TIMEOUT = 10_000

const greets = (socket: string): boolean => {
  try {
    Client.greeted(socket).close()
    return true
  } catch {
    return false
  }
}

/** Starts a program and tries every millisecond whether it greets. What it says goes to the file `log`. */
export const startDaemon = async (
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  socket: string,
  log: string
): Promise<Daemon> => {
  const [program, ...args] = argv
  const fd = openSync(log, "w", 0o600)
  const begun = performance.now()
  // in a group of its own: Ctrl-C is the bench's to handle
  const child: ChildProcess = spawn(program!, args, { env, detached: true, stdio: ["ignore", fd, fd] })
  closeSync(fd)
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()))
  let running = true
  void ended.then(() => {
    running = false
  })
  const stop = async () => {
    if (running) child.kill()
    const late = setTimeout(() => child.kill("SIGKILL"), TIMEOUT)
    await ended
    clearTimeout(late)
  }
  while (!greets(socket)) {
    await sleep(1)
    if (running && performance.now() - begun < TIMEOUT) continue
    await stop()
    throw new Error(`${argv.join(" ")}: does not serve\n${readFileSync(log, "utf8").trimEnd()}`)
  }
  return { pid: child.pid!, readyMs: performance.now() - begun, stop }
}
