// An agent that is reached by running a program, such as ssh: its standard input and output are the connection. It ends with the
// connection, and all that it has started in its process group.
import { type ChildProcess, spawn } from "node:child_process"
import { Duplex } from "node:stream"
import { withoutToken } from "../owner/place.ts"
import { reasonOf } from "../reason.ts"

/** Milliseconds that a program gets to end by itself when its input is closed; then it is killed. */
const GRACE = 1_000

/** Bytes of what it complains of that are told. */
const MAX_TOLD = 1_000

/** Runs the program, without a shell; `tell` gets what it writes to standard error, a line at a time. */
export const commandStream = (command: ReadonlyArray<string>, tell: (line: string) => void): Duplex => {
  const [program = "", ...args] = command
  const child = spawn(program, args, {
    detached: true,
    // what it starts may live long, and is not ours
    env: withoutToken(process.env),
    stdio: ["pipe", "pipe", "pipe"]
  })
  const { stderr, stdin, stdout } = child
  const stream: Duplex = new Duplex({
    allowHalfOpen: false,
    read: () => void stdout.resume(),
    write: (chunk: Buffer, _, done) => void stdin.write(chunk, (error) => done(error)),
    final: (done) => void stdin.end(() => done()),
    destroy: (error, done) => {
      end(child)
      done(error)
    }
  })
  stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause()
  })
  stdout.on("end", () => stream.push(null))
  stdout.on("error", (error) => stream.destroy(error))
  // that it reads no more is told by its end
  stdin.on("error", () => {})
  child.once("error", (error) => stream.destroy(new Error(`${program} cannot be run: ${reasonOf(error)}`)))
  child.once("exit", (code, signal) => {
    if (code !== 0 && !stream.destroyed) {
      stream.destroy(new Error(`${program} ended (${signal ?? `exit code ${code}`})`))
    }
  })
  complaints(stderr, tell)
  return stream
}

const complaints = (stderr: NodeJS.ReadableStream, tell: (line: string) => void): void => {
  let text = ""
  stderr.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-2 * MAX_TOLD)
    const lines = text.split(/\r?\n/)
    text = lines.pop() ?? ""
    for (const line of lines) if (line !== "") tell(line.slice(0, MAX_TOLD))
  })
  stderr.on("error", () => {})
}

const end = (child: ChildProcess): void => {
  child.stdin?.destroy()
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const { pid } = child
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal)
    } catch {
      // it has just ended by itself
    }
  }
  kill("SIGTERM")
  const timer = setTimeout(() => kill("SIGKILL"), GRACE)
  timer.unref()
  child.once("exit", () => clearTimeout(timer))
}
