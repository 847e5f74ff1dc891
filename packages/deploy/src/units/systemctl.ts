// Runs the commands of a plan, one after the other; and says whether a systemd is there to be told anything. What they print goes to
// stderr as it comes.
import { reasonOf } from "@gripgate/proxy/reason"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"

export class CommandError extends Data.TaggedError("CommandError")<{
  readonly message: string
  /** The command that failed, and those that were not run. */
  readonly left: ReadonlyArray<ReadonlyArray<string>>
}> {}

/** Milliseconds for a command; systemd itself gives a unit 90 s to start. */
const TIMEOUT = 120_000

/** States in which a systemd takes commands (systemctl(1), is-system-running). */
const RUNS = new Set(["initializing", "starting", "running", "degraded", "maintenance", "stopping"])

/** Whether the user's systemd, or the system's, answers. */
export const systemdRuns = (whose: "user" | "system"): Effect.Effect<boolean> =>
  Effect.map(
    run(["systemctl", ...whose === "user" ? ["--user"] : [], "is-system-running"], "pipe"),
    ({ stdout }) => RUNS.has(stdout.trim())
  )

export const runCommands = (commands: ReadonlyArray<ReadonlyArray<string>>): Effect.Effect<void, CommandError> =>
  Effect.forEach(commands, (command, index) =>
    Effect.flatMap(
      run(command, "inherit"),
      ({ how }) =>
        how === undefined
          ? Effect.void
          : Effect.fail(new CommandError({ message: `${command.join(" ")} ${how}`, left: commands.slice(index) }))
    ), { discard: true })

interface Ended {
  /** How it failed; `undefined` where it did not. */
  readonly how: string | undefined
  readonly stdout: string
}

const run = ([program, ...args]: ReadonlyArray<string>, output: "pipe" | "inherit"): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const child = spawn(program!, args, {
      stdio: output === "pipe" ? ["ignore", "pipe", "ignore"] : ["ignore", 2, 2],
      timeout: TIMEOUT
    })
    let stdout = ""
    child.stdout?.on("data", (chunk) => stdout += String(chunk))
    const end = (how: string | undefined) => resume(Effect.succeed({ how, stdout }))
    child.once("error", (error) => end(`cannot be run: ${reasonOf(error)}`))
    child.once("close", (code, signal) => end(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`))
  })
