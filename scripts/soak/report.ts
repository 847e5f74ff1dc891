// What came out, held against what is promised, and how it is printed. Pure.
import { quantile } from "../bench/statistics.ts"
import type { Sample } from "./watch.ts"

/** The bounds. Memory is what Linux calls resident (VmRSS). */
export const bounds = {
  /** KiB at the first greeting. */
  start: 90 * 1024,
  /** KiB for an idle session. */
  session: 20,
  /** KiB that a busy heap holds at most beside all that: it breathes, as what is thrown away waits for the collector. */
  heap: 192 * 1024,
  /** KiB by which the least of the second half of the load may be above the least of the first: what is never given back. */
  growth: 48 * 1024
} as const

/** The parts of the load that are compared: connections come first, code is compiled, and the heap gets a working size. */
const EARLIER = [0.1, 0.5] as const
const LATER = [0.5, 1] as const

/** Milliseconds. */
export interface Latency {
  readonly count: number
  readonly median: number
  readonly p95: number
  readonly p99: number
}

export const latencyOf = (times: Float32Array): Latency => {
  const all = [...times]
  const at = (share: number) => all.length === 0 ? 0 : Math.round(quantile(all, share) * 1000) / 1000
  return { count: all.length, median: at(0.5), p95: at(0.95), p99: at(0.99) }
}

export interface Result {
  readonly idle: number
  readonly busy: number
  /** Seconds of load on the gate. */
  readonly seconds: number
  readonly signatures: number
  readonly nops: number
  readonly errors: number
  readonly reasons: ReadonlyArray<string>
  readonly latency: Readonly<Record<"load" | "loadDirect" | "single" | "singleDirect", Latency>>
  /** KiB: at the first greeting, warm, with the idle sessions, and when all clients have gone. */
  readonly memory: { readonly start: number; readonly warm: number; readonly idle: number; readonly end: number }
  /** Memory under load. */
  readonly samples: ReadonlyArray<Sample>
  /** `undefined` where they cannot be seen. */
  readonly descriptors: { readonly before: number | undefined; readonly end: number | undefined }
  /** Sessions that the gate says are open when all clients have gone. */
  readonly sessionsLeft: number
}

/** KiB that an idle session takes. */
export const perSession = ({ idle, memory }: Result): number => (memory.idle - memory.warm) / idle

/** Memory under load, in KiB: the least of its first and of its second half, and the most of all. */
export const underLoad = (
  { samples }: Pick<Result, "samples">
): { readonly first: number; readonly second: number; readonly most: number } => {
  const end = samples.at(-1)?.[0] ?? 0
  const between = ([from, to]: readonly [number, number]) =>
    samples.filter(([at]) => at >= from * end && at <= to * end).map(([, kib]) => kib)
  return {
    first: Math.min(...between(EARLIER)),
    second: Math.min(...between(LATER)),
    most: Math.max(...between([0, 1]))
  }
}

/** The most memory that so many sessions under load may take, in KiB. */
export const ceiling = (idle: number): number => bounds.start + idle * bounds.session + bounds.heap

/** Everything that is not as promised; nothing where all is well. */
export const failures = (result: Result): ReadonlyArray<string> => {
  const { descriptors, errors, memory, reasons, sessionsLeft, signatures } = result
  const { first, most, second } = underLoad(result)
  const found: Array<string> = []
  if (errors > 0) found.push(`${errors} errors: ${reasons.join("; ")}`)
  if (signatures === 0) found.push("nothing was signed")
  if (memory.start > bounds.start) found.push(`it starts with ${mib(memory.start)}; at most ${mib(bounds.start)}`)
  if (perSession(result) > bounds.session) {
    found.push(`an idle session takes ${perSession(result).toFixed(1)} KiB; at most ${bounds.session}`)
  }
  const top = ceiling(result.idle)
  if (most > top) found.push(`it takes ${mib(most)} under load; at most ${mib(top)}`)
  if (second - first > bounds.growth) {
    const grown = `it keeps ${mib(second - first)} more in the second half of the load than in the first`
    found.push(`${grown}; at most ${mib(bounds.growth)}`)
  }
  if (sessionsLeft > 0) found.push(`${sessionsLeft} sessions are open although all clients have gone`)
  const { before, end } = descriptors
  if (before !== undefined && end !== undefined && end > before) {
    found.push(`${end} descriptors are open at the end, and ${before} were before the clients came`)
  }
  return found
}

const mib = (kib: number): string => `${(kib / 1024).toFixed(1)} MiB`

const row = (name: string, cells: ReadonlyArray<string>): string =>
  `  ${name.padEnd(36)}${cells.map((cell) => cell.padStart(9)).join("")}`

const latencyRow = (name: string, { median, p95, p99 }: Latency, base?: Latency): string =>
  row(name, [
    ...[median, p95, p99].map((ms) => ms.toFixed(2)),
    ...base === undefined || base.median === 0 ? [] : [(median / base.median).toFixed(2)]
  ])

export const report = (result: Result): ReadonlyArray<string> => {
  const { busy, descriptors, errors, idle, latency, memory, nops, seconds, signatures } = result
  const { first, most, second } = underLoad(result)
  const seen = (count: number | undefined) => count === undefined ? "not to be seen by this user" : String(count)
  return [
    `signatures  ${signatures} in ${seconds.toFixed(0)} s (${(signatures / seconds).toFixed(0)}/s), each the right one`,
    `idle        ${idle} sessions, ${nops} NOPs answered`,
    `errors      ${errors}`,
    "",
    row("ms for a signature", ["median", "p95", "p99", "ratio"]),
    latencyRow("direct, one client", latency.singleDirect),
    latencyRow("gate, one client beside the idle", latency.single, latency.singleDirect),
    latencyRow(`direct, ${busy} at once`, latency.loadDirect),
    latencyRow(`gate, ${busy} at once beside the idle`, latency.load, latency.loadDirect),
    "",
    `memory      ${mib(memory.start)} at the first greeting, ${mib(memory.warm)} warm,`,
    `            ${mib(memory.idle)} with the idle sessions: ${perSession(result).toFixed(1)} KiB each,`,
    `            ${mib(most)} at most under load; at least ${mib(first)} in its first half, ${
      mib(second)
    } in its second,`,
    `            ${mib(memory.end)} when all clients have gone`,
    `descriptors ${seen(descriptors.before)} before the clients came, ${seen(descriptors.end)} when they have gone`
  ]
}
