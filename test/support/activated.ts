// A program behind sockets that systemd-socket-activate holds: it listens, and becomes the program at the first connection.
import { needs } from "@gripgate/testkit/needs"
import { killGroup } from "@gripgate/testkit/run"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

export interface ActivatedOptions {
  /** The sockets, and the name by which each is handed over; none of them has one where the first has none. */
  readonly sockets: ReadonlyArray<{
    readonly path: string
    readonly name?: string
    /** Where the socket is for whoever is outside of what `through` makes. */
    readonly seenAt?: string
  }>
  readonly command: ReadonlyArray<string>
  /** The program gets these and little else. */
  readonly env: Readonly<Record<string, string>>
  /** A program that changes what all of it runs as. */
  readonly through?: ReadonlyArray<string>
}

export interface Activated extends AsyncDisposable {
  /** Its process: the program itself, once somebody has connected. */
  readonly pid: number
  /** What it has written to stderr. */
  stderr(): string
  /** Waits for a text on stderr. */
  says(text: string): Promise<void>
  readonly exited: Promise<number | null>
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Returns when the sockets listen. The program has not been started then. */
export const activate = async ({ command, env, sockets, through = [] }: ActivatedOptions): Promise<Activated> => {
  const listen = sockets.flatMap(({ path }) => ["-l", path])
  const names = sockets.flatMap(({ name }) => name === undefined ? [] : [name])
  const variables = Object.entries(env).flatMap(([name, value]) => ["-E", `${name}=${value}`])
  const named = names.length === 0 ? [] : [`--fdname=${names.join(":")}`]
  const [file, ...argv] = [...through, needs("systemd-socket-activate"), ...listen, ...named, ...variables, ...command]
  const child = spawn(file!, argv, { env: { ...env }, detached: true, stdio: ["ignore", "ignore", "pipe"] })
  let text = ""
  child.stderr.on("data", (chunk) => text += String(chunk))
  const exited = once(child, "close").then(([code]) => code as number | null)
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (const end = performance.now() + 20_000; !holds();) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > end) {
        throw new Error(`${what}:\n${text}`)
      }
      await Promise.race([sleep(10), exited])
    }
  }
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    const timer = setTimeout(() => killGroup(child.pid), 10_000)
    child.kill(signal)
    try {
      return await exited
    } finally {
      clearTimeout(timer)
    }
  }
  await until(
    "it does not listen",
    () => sockets.every(({ path, seenAt = path }) => existsSync(seenAt)) && /Listening on/.test(text)
  )
  return {
    pid: child.pid!,
    stderr: () => text,
    says: (wanted) => until(`it does not say ${JSON.stringify(wanted)}`, () => text.includes(wanted)),
    exited,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      killGroup(child.pid)
    }
  }
}
