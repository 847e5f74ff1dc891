// Runs the command line from source, as a process, in an environment of its own: what a shell sees is what is tested.
import { afterAll } from "@effect/vitest"
import { run, type RunResult } from "@gripgate/testkit/run"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The entry of the command line. */
export const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url))

const made: Array<string> = []
afterAll(() => made.splice(0).forEach((path) => rmSync(path, { recursive: true, force: true })))

/** A folder that is gone after the tests of the file. */
export const makeFolder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "gl-"))
  made.push(path)
  return path
}

/** Writes a file, and the folders above it; returns its path. */
export const put = (folder: string, name: string, text: string): string => {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** An environment without anything of whoever runs the tests; no terminal, no colours, no runtime directory. */
export const environment = (home: string): Readonly<Record<string, string>> => ({
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: home,
  LC_ALL: "C.UTF-8",
  TZ: "UTC"
})

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const asText = ({ code, stderr, stdout }: RunResult): Result => ({ code, stdout: stdout.toString(), stderr })

/** `gripgate ...args` with this home directory; one that is empty where it is left out. */
export const gripgate = async (args: ReadonlyArray<string>, home: string = makeFolder()): Promise<Result> =>
  asText(await run([process.execPath, MAIN, ...args], { env: environment(home), cwd: home }))

/** A line of a shell, with `gripgate` as a command of it. */
export const shell = async (line: string, home: string = makeFolder()): Promise<Result> => {
  const script = `gripgate() { "${process.execPath}" "${MAIN}" "$@"; }\n${line}`
  return asText(await run(["bash", "-c", script], { env: environment(home), cwd: home }))
}
