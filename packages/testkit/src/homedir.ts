// A throw-away homedir of GnuPG with an agent of its own. It touches nothing of the person who runs the tests: not the
// environment, not ~/.gnupg, not a running agent. Whoever makes one closes it, and then neither a process nor a file is left.
import { lstat, mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { makeFolder, removeFolder } from "./folder.ts"
import { type PinentryScript, type ScriptedPinentry, writePinentry } from "./pinentry.ts"
import { processesOf, signalAll, waitGone } from "./processes.ts"
import { connectRaw, type RawClient } from "./raw-client.ts"
import { run, runOk, type RunOptions, type RunResult } from "./run.ts"

export interface HomedirOptions {
  /**
   * Lines for gpg-agent.conf. `s2k-count 65536` is there already: the agent would else spend 100 ms on each passphrase. So is
   * `pinentry-program`, unless one of these lines has it.
   */
  readonly agentConf?: ReadonlyArray<string>
  /** Lines for gpg.conf. */
  readonly gpgConf?: ReadonlyArray<string>
  /** What the scripted pinentry answers; it cancels where this is left out. */
  readonly pinentry?: PinentryScript
  /** A folder in the homedir for the files of the pinentry, which appends its dialogue to `transcript` there. */
  readonly control?: string
  /** The start of the folder's name; short, as the path of a socket has at most 107 bytes. */
  readonly prefix?: string
  /** The folder in which it is made; the place for temporary files where this is left out. */
  readonly where?: string
}

export interface Homedir extends AsyncDisposable {
  readonly path: string
  /** The whole environment for programs that are to use it: no display, no terminal, no session bus. */
  readonly env: Readonly<Record<string, string>>
  readonly pinentry: ScriptedPinentry
  /** Where GnuPG looks for the agent's socket: below /run/user/UID where that exists, else in the homedir. */
  agentSocket(): Promise<string>
  /** Starts an agent, unless one runs; returns its pid. */
  launchAgent(): Promise<number>
  /** The pid that the agent itself names; `undefined` where none runs, or none answers within a second. */
  agentPid(): Promise<number | undefined>
  /** Ends the agent, in good order if it can, and waits until its process is gone. */
  killAgent(): Promise<void>
  /** Runs a program in the environment of this homedir. */
  run(argv: ReadonlyArray<string>, options?: Omit<RunOptions, "env">): Promise<RunResult>
  /** Runs `gpg --batch ...`; anything but exit code 0 is an Error. */
  gpg(args: ReadonlyArray<string>, options?: Omit<RunOptions, "env">): Promise<RunResult>
  /** `killAgent`, and the folder is gone. Closing twice does no harm. */
  close(): Promise<void>
}

/** Milliseconds that an agent gets to end by itself. One with an open connection never does. */
const GRACE = 250

const askPid = async (socket: string, timeoutMs: number): Promise<number | undefined> => {
  let agent: RawClient | undefined
  try {
    agent = await connectRaw(socket)
    await agent.readReply(timeoutMs)
    const pid = Number((await agent.command("GETINFO pid", timeoutMs)).data.toString())
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  } finally {
    agent?.destroy()
  }
}

const isSocket = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isSocket()
  } catch {
    return false
  }
}

/** Makes a homedir. No agent runs yet: gpg starts one when it needs it, `launchAgent` at once. */
export const makeHomedir = async (options: HomedirOptions = {}): Promise<Homedir> => {
  const path = await makeFolder(options.prefix ?? "gg", options.where)
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: path,
    GNUPGHOME: path,
    LC_ALL: "C.UTF-8",
    TZ: "UTC"
  }
  const control = options.control === undefined ? undefined : join(path, options.control)
  if (control !== undefined) await mkdir(control, { mode: 0o700 })
  const transcript = control === undefined ? undefined : join(control, "transcript")
  const pinentry = await writePinentry(control ?? path, options.pinentry ?? { answers: [] }, transcript)
  const given = options.agentConf ?? []
  const agentConf = [
    "s2k-count 65536",
    ...(given.some((line) => line.startsWith("pinentry-program")) ? [] : [`pinentry-program ${pinentry.program}`]),
    ...given
  ]
  await writeFile(join(path, "gpg-agent.conf"), agentConf.map((line) => `${line}\n`).join(""))
  await writeFile(join(path, "gpg.conf"), (options.gpgConf ?? []).map((line) => `${line}\n`).join(""))

  let socket: Promise<string> | undefined
  const agentSocket = () =>
    socket ??= runOk(["gpgconf", "--list-dirs", "agent-socket"], { env }).then(({ stdout }) =>
      stdout.toString().trimEnd()
    )
  const agentPid = async () => askPid(await agentSocket(), 1_000)

  const killAgent = async () => {
    const pid = await agentPid()
    const pids = [...new Set([...(pid === undefined ? [] : [pid]), ...processesOf(path)])]
    if (pids.length === 0) return
    // an agent that does not answer need not be asked; through a redirect file somebody else's would be ended
    if (pid !== undefined && await isSocket(await agentSocket())) {
      await run(["gpgconf", "--kill", "gpg-agent"], { env, timeoutMs: 2_000 })
    } else {
      signalAll(pids, "SIGTERM")
    }
    const left = await waitGone(pids, GRACE)
    signalAll(left, "SIGKILL")
    const immortal = await waitGone(left, 5_000)
    if (immortal.length > 0) throw new Error(`processes of ${path} live on after SIGKILL: ${immortal.join(" ")}`)
  }
  let closing: Promise<void> | undefined
  const close = () =>
    closing ??= (async () => {
      await killAgent()
      const sockets = dirname(await agentSocket())
      if (sockets !== path) await removeFolder(sockets)
      await removeFolder(path)
    })()

  return {
    path,
    env,
    pinentry,
    agentSocket,
    agentPid,
    killAgent,
    launchAgent: async () => {
      await runOk(["gpgconf", "--launch", "gpg-agent"], { env })
      const pid = await askPid(await agentSocket(), 10_000)
      if (pid === undefined) throw new Error(`gpgconf launched an agent for ${path}, but none answers`)
      return pid
    },
    run: (argv, runOptions) => run(argv, { ...runOptions, env }),
    gpg: (args, runOptions) => runOk(["gpg", "--batch", ...args], { ...runOptions, env }),
    close,
    [Symbol.asyncDispose]: close
  }
}
