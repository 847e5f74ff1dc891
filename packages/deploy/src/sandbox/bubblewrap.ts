// Whether bubblewrap works here, found by a trial: it may be missing, or the system forbids user namespaces.
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { accessSync, constants, statSync } from "node:fs"
import { delimiter, isAbsolute, join } from "node:path"

/** How it is called. */
export interface Bubblewrap {
  readonly path: string
  /**
   * Whether `env` can have it ignore SIGINT and SIGQUIT, and the command not: else Ctrl-C ends bubblewrap, and with it a command
   * that would have gone on (GNU coreutils 8.31 can).
   */
  readonly keepsSignals: boolean
  /** A program that gains rights when it starts cannot be confined beforehand. */
  readonly setuid: boolean
}

/** Milliseconds; a start takes some ten. */
const PATIENCE = 5_000

/** What env(1) does to the signals that a terminal sends to all of its foreground. */
export const ignoring = ["env", "--ignore-signal=INT", "--ignore-signal=QUIT"]
export const heeding = ["env", "--default-signal=INT", "--default-signal=QUIT"]

const sandbox = [
  ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try"],
  ["--die-with-parent", "--cap-drop", "ALL"],
  ["--ro-bind", "/", "/", "--perms", "1777", "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev", "--chdir", "/"]
].flat()

/** Bubblewrap, or why it cannot be used, in words that follow a colon. */
export const findBubblewrap: Effect.Effect<Bubblewrap | string> = Effect.gen(function*() {
  const path = onPath("bwrap")
  if (path === undefined) return "bwrap was not found on PATH"
  const both = yield* trial([...ignoring, path, ...sandbox, ...heeding, "true"])
  const alone = both === undefined ? undefined : yield* trial([path, ...sandbox, "true"])
  if (alone !== undefined) return alone
  return { path, keepsSignals: both === undefined, setuid: (statSync(path).mode & 0o4000) !== 0 }
})

const onPath = (name: string): string | undefined =>
  (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder)).map((folder) =>
    join(folder, name)
  )
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return statSync(file).isFile()
      } catch {
        return false
      }
    })

/** What went wrong; `undefined` where it went well. */
const trial = (argv: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const [program = "", ...args] = argv
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: PATIENCE,
      killSignal: "SIGKILL"
    })
    let said = ""
    child.stderr?.setEncoding("utf8").on("data", (text: string) => said = (said + text).slice(-1024))
    child.once("error", (error) => resume(Effect.succeed(`${program}: ${codeOf(error) ?? ""} ${reasonOf(error)}`)))
    child.once("close", (code, signal) => {
      const why = said.trim().split("\n").at(-1)
      resume(Effect.succeed(code === 0 ? undefined : why || `it ended with ${signal ?? `exit code ${code}`}`))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })
