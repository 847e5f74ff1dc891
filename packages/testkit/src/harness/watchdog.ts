// Ends what a harness has started, also when the process that it lives in is killed: a process of its own that waits for the end
// of its standard input, which the system closes for whoever dies. The program is a string, as a bundle has no files beside it.
import { spawn } from "node:child_process"
import { once } from "node:events"
import type { Socket } from "node:net"

/**
 * Reads folders, one a line, until its input ends; then kills every process that has one of them in its environment or on its
 * command line, and removes them. Only who may read /proc/PID/environ is found by it; daemons of GnuPG and gates name the folder
 * on their command line, which everybody can read.
 */
const program = String.raw`
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {})
let text = ""
for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk
const folders = text.split("\n").slice(0, -1)
const list = () => { try { return readdirSync("/proc") } catch { return [] } }
const read = (pid, name) => { try { return readFileSync("/proc/" + pid + "/" + name, "utf8") } catch { return "" } }
const belongs = (pid) => {
  const known = read(pid, "cmdline") + "\0" + read(pid, "environ")
  return folders.some((folder) => known.includes(folder)) && !/\) [ZX] /.test(read(pid, "stat"))
}
const alive = () => list().filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => pid !== process.pid && belongs(pid))
const end = performance.now() + 5000
for (let pids = alive(); pids.length > 0 && performance.now() < end; pids = alive()) {
  for (const pid of pids) try { process.kill(pid, "SIGKILL") } catch {}
  await sleep(5)
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
`

export interface Watchdog {
  /** From now on this folder goes, and whoever works with it. An absolute path that nothing else has in its name. */
  add(folder: string): void
  /** Has it do its work now, and waits until it is done. */
  close(): Promise<void>
}

/** Starts a watchdog, in a session of its own: what ends the tests with a signal to their group does not end it. */
export const startWatchdog = (): Watchdog => {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    // a compile cache or a loader of the tests is no business of it
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  const ended = once(child, "exit")
  ended.catch(() => {})
  child.stdin.on("error", () => {})
  // who forgets to close is not kept alive by it
  child.unref()
  ;(child.stdin as Socket).unref()
  return {
    add: (folder) => void child.stdin.write(`${folder}\n`),
    close: async () => {
      child.ref()
      child.stdin.end()
      await ended
    }
  }
}
