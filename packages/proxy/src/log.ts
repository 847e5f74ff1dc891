// What the gate has to say, line by line, to standard error. Writing a line is cheap and cannot fail: it is queued here and
// goes out with all others of the same turn. Its border: nobody reads it back, and nothing secret may be given to it.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { collectFor, isJournal, type Sink, standardError } from "./stderr.ts"

/** journald's priorities, as in syslog: 3 err, 4 warning, 5 notice, 6 info, 7 debug. */
export type Priority = 3 | 4 | 5 | 6 | 7

export interface Log {
  /** Messages with a higher number are not written. */
  readonly level: Priority
  /**
   * Queues one line. Control characters and what is not ASCII become `\xNN`, byte by byte, so that no client can write a
   * line of its own; a line has at most 8 KiB and ends with ` ...` where it was cut.
   */
  write(priority: Priority, message: string): void
}

export class LogService extends Context.Service<LogService, Log>()("gripgate/proxy/log") {
  /** The log of this process. What is queued when the scope closes, or when the process exits, is written then. */
  static readonly layer = (options: { readonly level: Priority }): Layer.Layer<LogService> =>
    Layer.effect(
      LogService,
      Effect.acquireRelease(
        Effect.sync(() => {
          const isOfJournal = isJournal(process.env["JOURNAL_STREAM"])
          const log = makeLog(options.level, standardError(), isOfJournal, collectFor())
          process.on("exit", log.flush)
          return log
        }),
        (log) =>
          Effect.sync(() => {
            log.flush()
            process.off("exit", log.flush)
          })
      )
    )
}

/** Longest line in bytes, with its prefix and without its LF. */
export const MAX_LOG_LINE = 8192

/** Bytes that wait for a slow reader; further lines are dropped and counted. */
export const MAX_LOG_QUEUE = 256 * 1024

/** What has a higher number tells of nothing wrong. */
const QUIET = 5

/** Bytes in one write, and milliseconds until the next attempt after one that did not go through. */
const CHUNK = 64 * 1024
const RETRY = 200

/**
 * A log over any sink; `flush` writes what the sink takes now. Where `journal` is true each line begins with `<N>`. Lines that tell of
 * nothing wrong are collected for so many milliseconds.
 */
export const makeLog = (
  level: Priority,
  sink: Sink,
  journal: boolean,
  collect = 0
): Log & { readonly flush: () => void } => {
  // nothing but ASCII, so that one character is one byte
  let queue = ""
  let lost = 0
  let scheduled = false
  let collecting: NodeJS.Timeout | undefined
  let retry: NodeJS.Timeout | undefined

  const add = (priority: Priority, text: string): void => {
    queue += `${cut(`${journal ? `<${priority}>` : ""}gripgate: ${text}`)}\n`
  }
  const tellLost = (): void => {
    if (lost === 0) return
    add(4, `${lost} log ${lost === 1 ? "line was" : "lines were"} lost, because standard error took no more`)
    lost = 0
  }
  const flush = (): void => {
    scheduled = false
    clearTimeout(collecting)
    clearTimeout(retry)
    collecting = retry = undefined
    while (queue !== "" || lost > 0) {
      if (queue === "") tellLost()
      const taken = sink(Buffer.from(queue.slice(0, CHUNK), "latin1"))
      if (taken === 0) {
        // no reason for the process to live on
        retry = setTimeout(flush, RETRY).unref()
        return
      }
      queue = queue.slice(taken)
    }
  }
  return {
    level,
    flush,
    write: (priority, message) => {
      if (priority > level) return
      // the queue is left to itself once it was full, or the lines that fit would be a random choice
      if (lost > 0 || queue.length + MAX_LOG_LINE > MAX_LOG_QUEUE) {
        lost++
        return
      }
      add(priority, harmless(message))
      if (scheduled || retry !== undefined) return
      if (collect > 0 && priority > QUIET) {
        // the end of the process writes what is left
        collecting ??= setTimeout(flush, collect).unref()
        return
      }
      scheduled = true
      setImmediate(flush)
    }
  }
}

const ESCAPES = Array.from({ length: 256 }, (_, byte) => `\\x${byte.toString(16).padStart(2, "0")}`)

/** A message in printable ASCII: every other byte of its UTF-8 becomes `\xNN`. */
const harmless = (message: string): string => {
  const text = message.slice(0, MAX_LOG_LINE)
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const bytes = Buffer.from(text).toString("latin1", 0, MAX_LOG_LINE)
  return bytes.replace(/[^\x20-\x7e]/g, (byte) => ESCAPES[byte.charCodeAt(0)]!)
}

const CUT = " ..."

/** A line that is not too long; an escape is not cut in two. */
const cut = (line: string): string =>
  line.length <= MAX_LOG_LINE ? line : line.slice(0, MAX_LOG_LINE - CUT.length).replace(/\\(x[0-9a-f]?)?$/, "") + CUT
