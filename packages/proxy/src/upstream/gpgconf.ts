// Runs gpgconf, which knows where GnuPG keeps its sockets and how its agent is started. Bounded in time and in output. It runs
// in a process group of its own, so that nothing of it is left when it is given up, and Ctrl-C at the gate does not reach it.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { withoutToken } from "../owner/place.ts"
import { codeOf, reasonOf } from "../reason.ts"

/** gpgconf could not be run, did not end in time, or was not content. */
export class GpgconfError extends Data.TaggedError("GpgconfError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** Milliseconds. An agent starts in 20; one that is there and does not answer is waited for by gpgconf without end. */
const TIMEOUT = 10_000

/** Milliseconds after its end in which gpgconf's pipes are read out: an agent that it started might hold them for ever. */
const DRAIN = 200

/** Bytes of its output that are kept. */
const MAX_OUTPUT = 64 * 1024

const missing = {
  message: "gpgconf was not found: GnuPG is not installed, or not on PATH",
  hint: "install GnuPG (Debian: apt-get install gpgconf gpg-agent), or name the agent's socket with --upstream SOCKET"
}

/** What gpgconf prints. Whoever is interrupted ends it too. */
export const gpgconf = (args: ReadonlyArray<string>): Effect.Effect<Buffer, GpgconfError> =>
  run(args).pipe(Effect.timeoutOrElse({
    duration: TIMEOUT,
    orElse: () => {
      const message = `gpgconf did not end within ${TIMEOUT / 1000} s (gpgconf ${args.join(" ")})`
      return Effect.fail(new GpgconfError({ message }))
    }
  }))

const run = (args: ReadonlyArray<string>): Effect.Effect<Buffer, GpgconfError> =>
  Effect.callback<Buffer, GpgconfError>((resume) => {
    const fail = (message: string) => resume(Effect.fail(new GpgconfError({ message: `gpgconf ${message}` })))
    const child: ChildProcess = spawn("gpgconf", args, {
      detached: true,
      // an agent that it starts keeps what it gets here, and hands it to its pinentry
      env: withoutToken(process.env),
      stdio: ["ignore", "pipe", "pipe"]
    })
    child.once("error", (error) => {
      child.removeAllListeners()
      if (codeOf(error) === "ENOENT") return resume(Effect.fail(new GpgconfError(missing)))
      fail(`cannot be run: ${reasonOf(error)}`)
    })
    const { stderr, stdout } = child
    // without file descriptors there are no pipes either, and the error is on its way
    if (!stdout || !stderr) return
    const printed = collect(stdout)
    const complained = collect(stderr)
    let drain: NodeJS.Timeout | undefined
    const close = () => {
      clearTimeout(drain)
      stdout.destroy()
      stderr.destroy()
    }
    const settle = (code: number | null, signal: NodeJS.Signals | null) => {
      close()
      if (code === 0) return resume(Effect.succeed(printed()))
      const said = complained().toString().trim().split("\n").at(-1)
      fail(`${signal === null ? `failed with exit code ${code}` : `was ended by ${signal}`}${said && `: ${said}`}`)
    }
    child.once("close", settle)
    child.once("exit", (code, signal) => {
      drain = setTimeout(() => settle(code, signal), DRAIN)
    })
    return Effect.sync(() => {
      killGroup(child.pid)
      close()
    })
  })

const collect = (stream: Readable): () => Buffer => {
  const chunks: Array<Buffer> = []
  let size = 0
  stream.on("data", (chunk: Buffer) => {
    if (size < MAX_OUTPUT) chunks.push(chunk)
    size += chunk.length
  })
  return () => Buffer.concat(chunks).subarray(0, MAX_OUTPUT)
}

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // it has just ended by itself
  }
}
