// What a test asserts on: the transcript so far, and a message with the dialogue where it is not as it should be. A pattern is
// looked for in the same text that stands in the file, so that grep finds what a test finds.
import { readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { type Entry, parseEntries, type Place } from "./entry.ts"

/** A text that must stand there, or a regular expression; `^` and `$` are the ends of a line, whatever its flags. */
export type Pattern = string | RegExp

export interface HarnessTranscript {
  readonly file: string
  /** Everything so far, as it stands in the file. */
  text(): string
  entries(): ReadonlyArray<Entry>
  /** What was sent from this side, line by line: `commands("agent")` are the lines of the gate to its agent. */
  commands(place: Exclude<Place, "gate">): ReadonlyArray<string>
  /** What is said from now on, for a test of more than one act; a line that is just being written may be its first. */
  since(): HarnessTranscript
  /** Fails where it is not found; the message shows the dialogue, as do those of all others. */
  assertHas(pattern: Pattern, why?: string): void
  /** Fails where it is found. */
  assertNo(pattern: Pattern, why?: string): void
  /** Fails where it is not found exactly so often. */
  assertTimes(pattern: Pattern, times: number, why?: string): void
  /** Fails where they are not found one behind the other. */
  assertOrder(patterns: ReadonlyArray<Pattern>, why?: string): void
  /** Waits until it is found; fails at the time-out (5,000 milliseconds). */
  waitFor(pattern: Pattern, timeoutMs?: number): Promise<void>
  /** For `JSON.stringify`: `{ v: 1, entries: [...] }`. */
  toJSON(): { readonly v: 1; readonly entries: ReadonlyArray<Entry> }
}

/** Lines of a dialogue that a message shows at most, and characters of a line. */
const SHOWN = { lines: 150, width: 160 }

interface Found {
  readonly start: number
  readonly end: number
}

const find = (text: string, pattern: Pattern, from = 0): ReadonlyArray<Found> => {
  const source = typeof pattern === "string" ? pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&") : pattern.source
  const flags = new Set([..."gm", ...typeof pattern === "string" ? [] : pattern.flags].filter((flag) => flag !== "y"))
  const regex = new RegExp(source, [...flags].join(""))
  regex.lastIndex = from
  const found: Array<Found> = []
  for (let match = regex.exec(text); match !== null; match = regex.exec(text)) {
    found.push({ start: match.index, end: match.index + match[0].length })
    if (match[0] === "") regex.lastIndex++
  }
  return found
}

const shownPattern = (pattern: Pattern): string =>
  typeof pattern === "string" ? JSON.stringify(pattern) : String(pattern)

/** Named as the errors of assertions are, so that a test runner shows it as one. */
class TranscriptError extends Error {
  override readonly name = "AssertionError"
}

/** The dialogue, with an arrow at the lines that were found; of a long one, those around them and the last. */
const dialogue = (text: string, found: ReadonlyArray<Found>): string => {
  let at = 0
  const lines = text.split("\n").slice(0, -1).map((line, index) => {
    const start = at
    at += line.length + 1
    const hit = found.some((one) => one.start < at && one.end > start)
    const cut = line.length > SHOWN.width ? `${line.slice(0, SHOWN.width)} ... (${line.length} characters)` : line
    return { hit, index, shown: `${hit ? "-->" : "   "} ${String(index + 1).padStart(4)}  ${cut}` }
  })
  const hits = lines.filter(({ hit }) => hit).slice(0, 10)
  const near = (index: number) =>
    lines.length - index <= SHOWN.lines / 2 || hits.some((one) => Math.abs(one.index - index) <= 5)
  const kept = lines.length <= SHOWN.lines ? lines : lines.filter(({ index }) => near(index))
  return kept.flatMap(({ index, shown }, i) =>
    index === (kept[i - 1]?.index ?? -1) + 1 ? [shown] : ["            ...", shown]
  ).join("\n")
}

/** The transcript in a file that is being written, or has been, from a place in it on. */
export const transcriptOf = (file: string, from = 0): HarnessTranscript => {
  const text = () => readFileSync(file, "latin1").slice(from)
  const entries = () => parseEntries(text())
  const fail = (what: string, why: string | undefined, all: string, found: ReadonlyArray<Found> = []): never => {
    const message = `${why === undefined ? "" : `${why}: `}${what}\n\n${dialogue(all, found)}\n\n(${file})`
    const error = new TranscriptError(message)
    Error.captureStackTrace(error, fail)
    throw error
  }
  const times = (pattern: Pattern, count: number, why?: string) => {
    const all = text()
    const found = find(all, pattern)
    if (found.length === count) return
    fail(
      `expected ${shownPattern(pattern)} ${count} times in the transcript, found it ${found.length} times`,
      why,
      all,
      found
    )
  }
  return {
    file,
    text,
    entries,
    since: () => transcriptOf(file, from + text().length),
    commands: (place) => entries().flatMap((one) => one.place === place && one.mark === ">" ? [one.text] : []),
    assertHas: (pattern, why) => {
      const all = text()
      if (find(all, pattern).length === 0) {
        fail(`expected ${shownPattern(pattern)} in the transcript, it is not there`, why, all)
      }
    },
    assertNo: (pattern, why) => times(pattern, 0, why),
    assertTimes: times,
    assertOrder: (patterns, why) => {
      const all = text()
      const seen: Array<Found> = []
      for (const pattern of patterns) {
        const [next] = find(all, pattern, seen.at(-1)?.end ?? 0)
        if (next === undefined) {
          const before = seen.length === 0 ? "" : ` behind ${shownPattern(patterns[seen.length - 1]!)}`
          return fail(`expected ${shownPattern(pattern)}${before} in the transcript, it is not there`, why, all, seen)
        }
        seen.push(next)
      }
    },
    waitFor: async (pattern, timeoutMs = 5_000) => {
      const end = performance.now() + timeoutMs
      for (;;) {
        const all = text()
        if (find(all, pattern).length > 0) return
        if (performance.now() > end) fail(`expected ${shownPattern(pattern)} within ${timeoutMs} ms`, undefined, all)
        await sleep(10)
      }
    },
    toJSON: () => ({ v: 1, entries: entries() })
  }
}
