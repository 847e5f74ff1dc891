// Which processes are there: whether one has ended, and which belong to a throw-away homedir. Only pids of processes that
// the testkit started, or that were given a homedir it made, ever come out of here.
import { readdirSync, readFileSync } from "node:fs"
import { basename } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const DAEMONS = new Set(["gpg-agent", "scdaemon", "dirmngr", "keyboxd"])

const readProc = (pid: number, name: string): string | undefined => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1")
  } catch {
    return undefined
  }
}

/** Whether the process runs. A zombie does not: where nobody reaps orphans it stays in the table for ever. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
  const stat = readProc(pid, "stat")
  return stat === undefined || !/\) [ZX] /.test(stat)
}

/** Waits at most `ms` milliseconds until all of them have ended; returns those that have not. */
export const waitGone = async (pids: ReadonlyArray<number>, ms: number): Promise<ReadonlyArray<number>> => {
  const end = performance.now() + ms
  for (;;) {
    const alive = pids.filter(isAlive)
    if (alive.length === 0 || performance.now() >= end) return alive
    await sleep(5)
  }
}

/** Sends a signal to each; one that has ended meanwhile is none to report. */
export const signalAll = (pids: ReadonlyArray<number>, signal: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      continue
    }
  }
}

/**
 * The processes of a homedir: GnuPG's daemons that have it as an argument (gpg starts them with `--homedir DIR`), and
 * programs that lie in it, as the scripted pinentry does. Needs /proc; empty on a system without.
 */
export const processesOf = (homedir: string): ReadonlyArray<number> => {
  let entries: ReadonlyArray<string>
  try {
    entries = readdirSync("/proc")
  } catch {
    return []
  }
  return entries.filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    const argv = readProc(pid, "cmdline")?.split("\0")
    if (argv === undefined || argv[0] === undefined || !isAlive(pid)) return false
    return DAEMONS.has(basename(argv[0])) && argv.includes(homedir)
      || argv.slice(0, 2).some((word) => word.startsWith(`${homedir}/`))
  })
}
