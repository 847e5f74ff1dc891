// Runs a command and afterwards names every process that it left behind, which is a failure: tests end what they start.
// It becomes the parent of all orphans below it (PR_SET_CHILD_SUBREAPER), so that an agent that has put itself into the
// background with an environment of its own is found, and nothing that others run on the machine is. Linux only.
//
//   node scripts/leftovers.ts COMMAND [ARGUMENT...]
import koffi from "koffi"
import { spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { constants } from "node:os"
import process from "node:process"

/** How long a process may still take to go after the command has ended, in milliseconds. */
const grace = 5_000

const libc = koffi.load("libc.so.6")
const prctl = libc.func("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)")
const waitpid = libc.func("int waitpid(int, _Out_ int *, int)")
const PR_SET_CHILD_SUBREAPER = 36
const WNOHANG = 1

const fail = (text: string): never => {
  process.stderr.write(`gripgate: error: leftovers: ${text}\n`)
  process.exit(1)
}

/** Waits for any child; its pid (0 if none has ended yet) and, as a shell puts it, its exit code. */
const reap = (flags: number): { readonly pid: number; readonly code: number } => {
  const status = [0]
  for (;;) {
    const pid = waitpid(-1, status, flags)
    if (pid === -1 && koffi.errno() === constants.errno.EINTR) continue
    const word = status[0] ?? 0
    return { pid, code: (word & 0x7f) === 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f) }
  }
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** What runs on the machine, without those that have ended and wait for their parent to look. */
const processes = (): ReadonlyArray<Process> =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // proc(5): pid (comm) state ppid; the name in the brackets may hold brackets and blanks itself.
      const stat = readFileSync(`/proc/${name}/stat`, "utf8")
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      if (state === "Z" || state === "X") return []
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      return [{
        pid: Number(name),
        parent: Number(parent),
        command: command || stat.slice(0, stat.lastIndexOf(")") + 1)
      }]
    } catch {
      return [] // It ended between the listing and the reading.
    }
  })

/** All live processes below this one. */
const descendants = (): ReadonlyArray<Process> => {
  const all = processes()
  const below = (parent: number): ReadonlyArray<Process> =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(process.pid)
}

const pause = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)

/** The processes that are still there when the grace is over. */
const leftBehind = (): ReadonlyArray<Process> => {
  for (let waited = 0;; waited += 100) {
    while (reap(WNOHANG).pid > 0);
    const left = descendants()
    if (left.length === 0 || waited >= grace) return left
    pause(100)
  }
}

const [command, ...args] = process.argv.slice(2)
if (command === undefined) fail("expected a command to run")
else {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) fail("this kernel has no PR_SET_CHILD_SUBREAPER")
  const child = spawn(command, args, { stdio: "inherit" })
  if (child.pid === undefined) fail(`cannot start ${command}`)
  // The event loop stands still from here on: it looks only after children that it has started itself, and an orphan
  // that nobody waits for still answers `kill -0` after its end, which tests that wait for its end would see.
  let ended = reap(0)
  while (ended.pid !== child.pid) ended = reap(0)
  const left = leftBehind()
  for (const { command, pid } of left) {
    process.stderr.write(`gripgate: error: left behind: ${pid} ${command}\n`)
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It has gone by itself just now; it is reported all the same, since its grace was over.
    }
  }
  process.exit(ended.code !== 0 ? ended.code : left.length > 0 ? 1 : 0)
}
