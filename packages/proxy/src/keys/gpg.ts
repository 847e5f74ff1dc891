// Runs gpg for what it prints. Bounded in time and in output, and in a process group of its own, so that nothing of it is
// left when it is given up, and Ctrl-C does not reach it.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { withoutToken } from "../owner/place.ts"
import { codeOf, reasonOf } from "../reason.ts"

/** gpg could not be run, did not end in time, printed too much, or was not content. */
export class GpgError extends Data.TaggedError("GpgError")<{ readonly message: string }> {}

/** Milliseconds: a keyring of thousands of certificates takes gpg seconds. */
const TIMEOUT = 60_000

/** Bytes that gpg may print. */
const MAX_OUTPUT = 64 * 1024 * 1024

/** Bytes of its complaints that are kept: the last line is told. */
const MAX_COMPLAINT = 64 * 1024

/** What gpg prints, having read `input`, or nothing. Whoever is interrupted ends it too. */
export const gpg = (args: ReadonlyArray<string>, input?: Uint8Array): Effect.Effect<Buffer, GpgError> =>
  run(args, input).pipe(Effect.timeoutOrElse({
    duration: TIMEOUT,
    orElse: () => Effect.fail(new GpgError({ message: `gpg did not end within ${TIMEOUT / 1000} s` }))
  }))

const run = (args: ReadonlyArray<string>, input: Uint8Array | undefined): Effect.Effect<Buffer, GpgError> =>
  Effect.callback<Buffer, GpgError>((resume) => {
    const fail = (message: string) => resume(Effect.fail(new GpgError({ message })))
    const { LANGUAGE: _, ...env } = withoutToken(process.env)
    const child: ChildProcess = spawn("gpg", args, {
      detached: true,
      env: { ...env, LC_ALL: "C.UTF-8" },
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"]
    })
    child.once("error", (error) => {
      child.removeAllListeners()
      if (codeOf(error) === "ENOENT") return fail("gpg was not found: it is not installed, or not on PATH")
      fail(`gpg cannot be run: ${reasonOf(error)}`)
    })
    const { stderr, stdout } = child
    // without file descriptors there are no pipes either, and the error is on its way
    if (!stdout || !stderr) return
    // a gpg that does not read to the end says why
    child.stdin?.on("error", () => {}).end(input)
    const printed: Array<Buffer> = []
    let size = 0
    stdout.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_OUTPUT) printed.push(chunk)
      else killGroup(child.pid)
    })
    let complaint = ""
    stderr.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("latin1")).slice(-MAX_COMPLAINT)
    })
    child.once("close", (code, signal) => {
      if (size > MAX_OUTPUT) return fail(`gpg printed more than ${MAX_OUTPUT / 1024 / 1024} MiB`)
      if (code === 0) return resume(Effect.succeed(Buffer.concat(printed)))
      const said = complaint.trim().split("\n").at(-1)
      fail(`gpg ${signal === null ? `failed with exit code ${code}` : `was ended by ${signal}`}${said && `: ${said}`}`)
    })
    return Effect.sync(() => {
      killGroup(child.pid)
      stdout.destroy()
      stderr.destroy()
    })
  })

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // it has just ended by itself
  }
}
