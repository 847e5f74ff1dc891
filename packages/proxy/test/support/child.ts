// Runs one of the programs of this directory in a process of its own, under the same Node, and talks to it over Node's own
// channel. It ends with the scope, by SIGKILL if it has not before.
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { fileURLToPath } from "node:url"

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly process: ChildProcess
  readonly pid: number
  /** Sends a message and waits for the next one that comes back. */
  readonly ask: (message: unknown) => Effect.Effect<unknown>
  /** The next message that comes. */
  readonly hear: Effect.Effect<unknown>
  readonly exited: Effect.Effect<Exit>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<Exit>
}

export interface ChildOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** What its standard error is; the test's own where left out. */
  readonly stderr?: number | "pipe" | "inherit"
  /** Modules that it loads first, by their path in this directory. */
  readonly preload?: ReadonlyArray<string>
  /** Its limit of open files (RLIMIT_NOFILE). */
  readonly openFiles?: number
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export const startChild = (
  program: string,
  { args = [], env, openFiles, preload = [], stderr = "inherit" }: ChildOptions = {}
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const stdio: StdioOptions = ["ignore", "ignore", stderr, "ipc"]
        const before = preload.flatMap((name) => ["--import", here(name)])
        const node = [process.execPath, ...before, here(program), ...args]
        const shell = ["sh", "-c", "ulimit -n $0 && exec \"$@\"", String(openFiles)]
        const [command, ...rest] = openFiles === undefined ? node : [...shell, ...node]
        const child = spawn(command!, rest, {
          stdio,
          env: { ...process.env, NODE_OPTIONS: "", ...env }
        })
        const exit = new Promise<Exit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })))
        const heard: Array<unknown> = []
        let wake = Promise.withResolvers<void>()
        child.on("message", (message) => {
          heard.push(message)
          wake.resolve()
          wake = Promise.withResolvers<void>()
        })
        const next = async (): Promise<unknown> => {
          while (heard.length === 0) {
            const ended = await Promise.race([wake.promise, exit])
            if (ended !== undefined && heard.length === 0) {
              throw new Error(`${program} ended (${ended.code ?? ended.signal}) without a message`)
            }
          }
          return heard.shift()
        }
        return { child, exit, next }
      }),
      ({ child, exit }) =>
        Effect.promise(() => {
          child.kill("SIGKILL")
          return exit
        })
    ),
    ({ child, exit, next }) => {
      const hear = Effect.promise(next)
      const exited = Effect.promise(() => exit)
      return {
        process: child,
        pid: child.pid!,
        hear,
        exited,
        ask: (message) => Effect.andThen(Effect.sync(() => child.send(message as object)), hear),
        kill: (signal) => Effect.andThen(Effect.sync(() => child.kill(signal)), exited)
      }
    }
  )
