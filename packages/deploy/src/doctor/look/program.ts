// Runs a program for what it says of itself. Bounded in time and in output; it gets no input and no token.
import { withoutToken } from "@gripgate/proxy/owner/place"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { accessSync, constants, statSync } from "node:fs"
import { delimiter, join } from "node:path"

/** Milliseconds. */
const TIMEOUT = 2_000
const MOST = 64 * 1024

export interface Ran {
  /** `undefined` where a signal ended it, or it did not end in time. */
  readonly code: number | undefined
  readonly output: string
}

/** What came of it; `undefined` where there is no such program. */
export const ran = (argv: ReadonlyArray<string>): Effect.Effect<Ran | undefined> =>
  Effect.callback<Ran | undefined>((resume) => {
    const [program = "", ...args] = argv
    const { LANGUAGE: _, ...env } = withoutToken(process.env)
    const child = execFile(
      program,
      args,
      { env: { ...env, LC_ALL: "C.UTF-8" }, timeout: TIMEOUT, killSignal: "SIGKILL", maxBuffer: MOST },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (code === "ENOENT" || code === "EACCES") return resume(Effect.succeed(undefined))
        resume(Effect.succeed({ code: typeof code === "number" ? code : undefined, output: stdout + stderr }))
      }
    )
    child.stdin?.end()
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** The path of a program by its name, as a shell would find it. */
export const onPath = (name: string, path: string = process.env["PATH"] ?? ""): string | undefined =>
  path.split(delimiter).filter((folder) => folder !== "").map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return statSync(file).isFile()
    } catch {
      return false
    }
  })
