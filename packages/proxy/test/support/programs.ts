// Programs of a test's own in front of PATH, and throw-away homedirs for the real ones.
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { scratch } from "./scratch.ts"

/** The environment with these variables for the rest of the test; `undefined` unsets one. */
export const environment = (changes: Readonly<Record<string, string | undefined>>) => {
  const set = (values: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
  return Effect.acquireRelease(
    Effect.sync(() => {
      const before = Object.fromEntries(Object.keys(changes).map((name) => [name, process.env[name]]))
      set(changes)
      return before
    }),
    (before) => Effect.sync(() => set(before))
  )
}

/** A `gpgconf` that is this shell script. `$DIR` is a directory of its own; `runs` counts how often it was started. */
export const fakeGpgconf = Effect.fnUntraced(function*(script: string) {
  const dir = yield* scratch
  writeFileSync(join(dir, "gpgconf"), `#!/bin/sh\nDIR='${dir}'\necho run >> "$DIR/runs"\n${script}\n`)
  chmodSync(join(dir, "gpgconf"), 0o755)
  yield* environment({ PATH: `${dir}:${process.env["PATH"]}` })
  const runs = () => existsSync(join(dir, "runs")) ? readFileSync(join(dir, "runs"), "utf8").length / 4 : 0
  return { dir, runs }
})

const run = (program: string, ...args: ReadonlyArray<string>): string =>
  spawnSync(program, args, { stdio: ["ignore", "pipe", "ignore"] }).stdout.toString()

/** Ends the agent of a homedir and waits for its end: as it goes it still looks after its homedir. */
const kill = async (path: string): Promise<void> => {
  const answer = run("gpg-connect-agent", "--homedir", path, "--no-autostart", "GETINFO pid", "/bye")
  const pid = /^D (\d+)$/m.exec(answer)?.[1]
  run("gpgconf", "--homedir", path, "--kill", "gpg-agent")
  while (pid !== undefined && isRunning(Number(pid))) await sleep(5)
  const socketDir = dirname(run("gpgconf", "--homedir", path, "--list-dirs", "agent-socket").trimEnd())
  if (socketDir !== path) rmSync(socketDir, { recursive: true, force: true })
}

/** Whether a process runs; a zombie does not: who reaps it is not a test's business. */
export const isRunning = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))
  } catch {
    return false
  }
}

/** A homedir of GnuPG with this name; an agent that was started for it ends with the scope. */
export const homedir = Effect.fnUntraced(function*(name: string) {
  const dir = yield* scratch
  return yield* Effect.acquireRelease(
    Effect.sync(() => {
      const path = join(dir, name)
      mkdirSync(path, { mode: 0o700 })
      return path
    }),
    (path) => Effect.promise(() => kill(path))
  )
})
