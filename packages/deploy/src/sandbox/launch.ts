// Starts a command in its sandbox, passes signals on, and waits for its end.
import { native } from "@gripgate/proxy/native"
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { constants } from "node:os"
import type { Readable, Writable } from "node:stream"
import { type Bubblewrap, heeding, ignoring } from "./bubblewrap.ts"
import { bwrapArgs } from "./bwrap-args.ts"
import { keepDescriptors } from "./descriptors.ts"
import { type Prepared, SandboxError } from "./prepare.ts"
import { terminalFilter } from "./terminal-filter.ts"

/** What is passed on to the command. */
const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const
type Forwarded = typeof forwarded[number]

/** A command and its environment. */
export interface Command {
  readonly argv: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

/** The descriptor of what bubblewrap tells of its child; those after it are read by bubblewrap. */
const STATUS_FD = 3

/**
 * Keeps what is started from now on from abstract sockets, if the kernel can: `undefined`, or why it cannot. A bubblewrap that
 * gains rights when it starts would lose them by it.
 */
export const confineAbstract = ({ setuid }: Bubblewrap): string | undefined => {
  if (setuid) return "bubblewrap is installed setuid"
  return native.available ? native.scope() : "koffi cannot be loaded"
}

/** How it ended: an exit code, 128 and the number of a signal; `undefined` where the command was not even started. */
export type Ending = number | undefined

/** Runs the command in the sandbox to its end. Where bubblewrap could not make the sandbox it has said why on stderr. */
export const launch = (
  bubblewrap: Bubblewrap,
  { files, sandbox }: Prepared,
  shareNet: boolean,
  { argv, env }: Command
): Effect.Effect<Ending, SandboxError> => {
  const left = keepDescriptors()
  if (left.length > 0) {
    return Effect.fail(
      new SandboxError({
        message: `the command would inherit descriptors of files that are open outside: ${left.join(", ")}`,
        hint: `close them: ${left.map((fd) => `${fd}<&-`).join(" ")}`
      })
    )
  }
  const filter = terminalFilter(process.arch)
  const inputs: Array<Buffer> = filter === undefined ? [] : [filter]
  const names = [...files.keys()]
  const first = STATUS_FD + 1 + inputs.length
  inputs.push(...files.values())
  const args = bwrapArgs({
    ...sandbox,
    gnupg: { homedir: sandbox.gnupgHome, files: names.map((name, index) => ({ name, fd: first + index })) },
    shareNet,
    filterFd: filter === undefined ? undefined : STATUS_FD + 1,
    statusFd: STATUS_FD
  })
  const inside = bubblewrap.keepsSignals ? [...heeding, ...plain(argv)] : argv
  const whole = [...bubblewrap.keepsSignals ? ignoring : [], bubblewrap.path, ...args, "--", ...inside]
  return runToEnd(whole, env, inputs)
}

/** For env(1) a word with `=` is no command. */
const plain = (argv: ReadonlyArray<string>): ReadonlyArray<string> =>
  argv[0]?.includes("=") === true ? ["sh", "-c", "exec \"$0\" \"$@\"", ...argv] : argv

/** Runs a command without any sandbox, in the same way. */
export const launchBare = ({ argv, env }: Command): Effect.Effect<Ending, SandboxError> =>
  runToEnd(argv, env, undefined)

const runToEnd = (
  argv: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  inputs: ReadonlyArray<Buffer> | undefined
): Effect.Effect<Ending, SandboxError> =>
  Effect.callback((resume) => {
    const [program = "", ...args] = argv
    // what a terminal sends comes to the command too, which is in the same foreground
    const terminal = hasTerminal()
    const child: ChildProcess = spawn(program, args, {
      env,
      stdio: [
        "inherit",
        "inherit",
        "inherit",
        ...inputs === undefined ? [] : ["pipe" as const, ...inputs.map(() => "pipe" as const)]
      ]
    })
    const status = inputs === undefined || child.pid === undefined
      ? undefined
      : readStatus(child.stdio[STATUS_FD] as Readable)
    const onSignal = (signal: Forwarded) => {
      if (terminal && signal === "SIGINT") return
      const pid = status?.command() ?? child.pid
      try {
        if (pid !== undefined) process.kill(pid, signal)
      } catch {
        // it has just ended by itself
      }
    }
    for (const signal of forwarded) process.on(signal, onSignal)
    const end = () => {
      for (const signal of forwarded) process.off(signal, onSignal)
    }
    child.once("error", (error) => {
      end()
      const message = codeOf(error) === "ENOENT" ? "command not found" : reasonOf(error)
      resume(Effect.fail(new SandboxError({ message: `${program} cannot be started: ${message}` })))
    })
    // not "exit": the status is to be whole by then
    child.once("close", (code, signal) => {
      end()
      const ending = code ?? 128 + constants.signals[signal ?? "SIGKILL"]
      resume(Effect.succeed(code === 1 && status?.started() === false ? undefined : ending))
    })
    if (inputs === undefined || child.pid === undefined) return
    for (const [index, bytes] of inputs.entries()) {
      // a bubblewrap that ends before it has read them says why
      const pipe = child.stdio[STATUS_FD + 1 + index] as Writable
      pipe.on("error", () => {}).end(bytes)
    }
  })

/** Whether there is a terminal whose keys send signals. */
const hasTerminal = (): boolean => {
  try {
    closeSync(openSync("/dev/tty", "r+"))
    return true
  } catch {
    return false
  }
}

interface Status {
  /** The command's process, once it runs: the only child of the first process inside, which heeds no signal itself. */
  readonly command: () => number | undefined
  /** Whether the sandbox was made, as bubblewrap says it at its end. */
  readonly started: () => boolean
}

/** Follows what bubblewrap writes to its --json-status-fd. */
const readStatus = (stream: Readable): Status => {
  let text = ""
  stream.setEncoding("utf8").on("data", (piece: string) => text += piece).on("error", () => {})
  return {
    command: () => {
      const first = /"child-pid": *(\d+)/.exec(text)?.[1]
      if (first === undefined) return undefined
      try {
        return Number(readFileSync(`/proc/${first}/task/${first}/children`, "latin1").split(" ")[0]) || undefined
      } catch {
        return undefined
      }
    },
    started: () => text.includes("\"exit-code\"")
  }
}
