// Asking for a passphrase on the terminal of whoever types, without showing it: /dev/tty, whatever the standard streams are. What is
// typed never is a string, which Node's own readline would make of it. Whatever way the process takes out, the terminal is as it was.
import { reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { isatty, ReadStream } from "node:tty"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { TypedLine } from "./typed.ts"

export interface HiddenPrompt {
  /** Asks for a line of 1 to 255 bytes, in a slab that whoever has it wipes. */
  readonly ask: (prompt: string) => Effect.Effect<Buffer, Failure>
}

/** The signals that end a process while somebody types. */
const deadly = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const

/** Milliseconds after which it has not been stopped. */
const NOT_STOPPED = 300

/** The terminal, or `undefined` where there is none; it is given back when the scope closes. */
export const hiddenPrompt: Effect.Effect<HiddenPrompt | undefined, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync(open),
    (terminal) => Effect.sync(() => terminal?.close())
  ),
  (terminal) => terminal === undefined ? undefined : { ask: (prompt) => ask(terminal, prompt) }
)

interface Terminal {
  readonly stream: ReadStream
  readonly write: (text: string) => void
  /** Whether keys come raw, and are not shown. */
  readonly hide: (hidden: boolean) => void
  readonly close: () => void
}

function open(): Terminal | undefined {
  let fd: number
  try {
    fd = fs.openSync("/dev/tty", fs.constants.O_RDWR | fs.constants.O_NOCTTY)
  } catch {
    return undefined
  }
  if (!isatty(fd)) {
    fs.closeSync(fd)
    return undefined
  }
  const stream = new ReadStream(fd)
  stream.on("error", () => {})
  const hide = (hidden: boolean): void => {
    try {
      stream.setRawMode(hidden)
    } catch {
      // it has hung up: there is nobody to hide anything from
    }
  }
  return {
    stream,
    write: (text) => {
      try {
        fs.writeSync(fd, text)
      } catch {
        // and nobody to tell
      }
    },
    hide,
    close: () => {
      hide(false)
      stream.destroy()
    }
  }
}

const ask = ({ hide, stream, write }: Terminal, prompt: string): Effect.Effect<Buffer, Failure> =>
  Effect.callback((resume) => {
    const line = new TypedLine()
    let again: NodeJS.Timeout | undefined
    const begin = () => {
      clearTimeout(again)
      // while it was not ours a shell may have set it, which Node does not know: it sets nothing twice
      hide(false)
      hide(true)
      write(prompt)
    }
    const show = () => hide(false)
    const end = () => {
      clearTimeout(again)
      stream.off("data", onData).off("end", onLost).off("error", onLost).pause()
      process.off("exit", show).off("SIGCONT", begin)
      for (const signal of deadly) process.off(signal, onSignal)
      show()
      write("\n")
    }
    const stop = (result: Effect.Effect<Buffer, Failure>) => {
      end()
      resume(result)
    }
    const onLost = (error?: Error) => {
      line.wipe()
      const why = error === undefined ? "" : `: ${reasonOf(error)}`
      stop(Effect.fail(failure(exitCode.failed, `the terminal is gone${why}`)))
    }
    /** Ends as it would have without us. */
    const onSignal = (signal: NodeJS.Signals) => {
      line.wipe()
      end()
      process.kill(process.pid, signal)
    }
    const act = (byte: number): boolean => {
      switch (line.take(byte)) {
        case "more":
          return true
        case "done":
          stop(accepted(line))
          return false
        case "none":
          stop(Effect.fail(failure(exitCode.failed, "no passphrase was typed")))
          return false
        case "interrupt":
          onSignal("SIGINT")
          return false
        case "suspend":
          show()
          write("\n")
          process.kill(0, "SIGTSTP")
          // not every process is stopped by it, and nobody would continue one that was not
          again = setTimeout(begin, NOT_STOPPED)
          return true
      }
    }
    const onData = (chunk: Buffer) => {
      for (const byte of chunk) if (!act(byte)) break
      chunk.fill(0)
    }
    stream.on("data", onData).on("end", onLost).on("error", onLost)
    process.on("exit", show).on("SIGCONT", begin)
    for (const signal of deadly) process.on(signal, onSignal)
    begin()
    // a stream that was paused once does not flow by itself again
    stream.resume()
    return Effect.sync(() => {
      line.wipe()
      end()
    })
  })

const accepted = (line: TypedLine): Effect.Effect<Buffer, Failure> => {
  if (!line.tooLong && line.bytes.length > 0) return Effect.succeed(line.bytes)
  const problem = line.tooLong ? "a passphrase has at most 255 bytes" : "no passphrase was typed"
  line.wipe()
  return Effect.fail(failure(exitCode.failed, problem))
}
