// What came out, held against what is promised, and how it is printed. Pure.
import { quantile } from "../bench/statistics.ts"
import type { Sample } from "./watch.ts"

/** The bounds. Memory is what Linux calls resident (VmRSS). */
export const bounds = {
  /** KiB at the first greeting. */
  start: 90 * 1024,
  /** KiB for an idle session. */
  session: 20,
  /** KiB by which the last quarter of the load may be above the first: a heap breathes, and a leak of ten minutes is more. */
  growth: 24 * 1024
} as const

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

/** The most memory in the first and in the last quarter of the load, in KiB. */
export const quarters = ({ samples }: Result): { readonly first: number; readonly last: number } => {
  const end = samples.at(-1)?.[0] ?? 0
  const most = (from: number, to: number) =>
    Math.max(...samples.filter(([at]) => at >= from * end && at <= to * end).map(([, kib]) => kib))
  return { first: most(0, 0.25), last: most(0.75, 1) }
}

/** Everything that is not as promised; nothing where all is well. */
export const failures = (result: Result): ReadonlyArray<string> => {
  const { descriptors, errors, memory, reasons, sessionsLeft, signatures } = result
  const { first, last } = quarters(result)
  const found: Array<string> = []
  if (errors > 0) found.push(`${errors} errors: ${reasons.join("; ")}`)
  if (signatures === 0) found.push("nothing was signed")
  if (memory.start > bounds.start) found.push(`it starts with ${mib(memory.start)}; at most ${mib(bounds.start)}`)
  if (perSession(result) > bounds.session) {
    found.push(`an idle session takes ${perSession(result).toFixed(1)} KiB; at most ${bounds.session}`)
  }
  if (last - first > bounds.growth) {
    found.push(
      `it grew by ${mib(last - first)} from the first quarter of the load to the last; at most ${mib(bounds.growth)}`
    )
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
  const { first, last } = quarters(result)
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
    `            ${mib(first)} at most in the first quarter of the load, ${mib(last)} in the last,`,
    `            ${mib(memory.end)} when all clients have gone`,
    `descriptors ${seen(descriptors.before)} before the clients came, ${seen(descriptors.end)} when they have gone`
  ]
}
