// Runs the program that appends, with a fault planned for it, and says what it told.
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Operation } from "../support/every-operation.ts"

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface Run {
  readonly signal: NodeJS.Signals | null
  /** Texts of the records that were acknowledged, in order. */
  readonly durable: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
  readonly logged: ReadonlyArray<string>
  /** Why it could not be opened. */
  readonly refused: string | undefined
  /** What was done to the folder; empty where the program was killed. */
  readonly operations: ReadonlyArray<readonly [Operation, string]>
}

/** `folder` lies in a directory of its own, all of which lie in that of the test. `at` is as `crash-at.ts` has it. */
export const run = (
  folder: string,
  { at = "", bytes = 0, together = 3, program = "append-program.ts" }: {
    readonly at?: string
    readonly together?: number
    /** After which it goes on in a new file. */
    readonly bytes?: number
    readonly program?: string
  } = {}
): Effect.Effect<Run> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      mkdirSync(folder, { mode: 0o700, recursive: true })
      const env = {
        ...process.env,
        NODE_OPTIONS: "",
        NODE_COMPILE_CACHE: join(dirname(folder), "..", "cache"),
        CRASH_FOLDER: folder,
        CRASH_AT: at,
        CRASH_REPORT: reportOf(folder)
      }
      const args = ["--import", here("../support/crash-at.ts"), here(program), folder, String(together), String(bytes)]
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env })
      const closed = new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_, by) => resolve(by)))
      return { child, closed }
    }),
    ({ child, closed }) =>
      Effect.promise(async () => {
        let output = ""
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
          output += text
        })
        const signal = await closed
        const told = (mark: string) =>
          output.split("\n").filter((line) => line.startsWith(mark)).map((line) => line.slice(1))
        return {
          signal,
          durable: told("+"),
          failed: told("-"),
          logged: told("*"),
          refused: told("!")[0],
          operations: signal === null ? JSON.parse(readFileSync(reportOf(folder), "utf8")) : []
        }
      }),
    ({ child, closed }) =>
      Effect.promise(() => {
        child.kill("SIGKILL")
        return closed
      })
  )

const reportOf = (folder: string): string => join(dirname(folder), "report")
