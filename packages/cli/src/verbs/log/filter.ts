// Which records of the journal are wanted. What came of a use goes with the use.
import type { ReadRecord } from "@gripgate/proxy/journal/read-record"

/** Each may be left out; all that are there have to hold. */
export interface Wanted {
  /** `null` for whoever is no app. */
  readonly app?: string | null
  /** Keygrips. */
  readonly keys?: ReadonlySet<string>
  readonly operation?: string
  readonly verdict?: VerdictWord
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly until?: number
}

/** What `--verdict` takes: what the policy says, and what came of it. */
export const verdictWords = ["allow", "ask", "token", "forbid", "allowed", "refused"] as const
export type VerdictWord = typeof verdictWords[number]

/** Uses whose outcome is still waited for; of more, the oldest are given up. */
const MAX_OPEN = 10_000

const refusals: ReadonlySet<string> = new Set(["refused", "rejected", "violation"])

export class Filter {
  private readonly wanted: Wanted
  private readonly all: boolean
  private readonly open = new Set<string>()

  constructor(wanted: Wanted) {
    this.wanted = wanted
    this.all = Object.keys(wanted).length === 0
  }

  /** Whether a record is wanted; they come in their order. */
  admits(record: ReadRecord): boolean {
    if (this.all) return true
    const { op, use } = record
    if (op === "outcome") return use !== undefined && this.open.delete(use)
    if (!this.fits(record)) return false
    if (op === "allowed" && use !== undefined) {
      this.open.add(use)
      const [first] = this.open
      if (first !== undefined && this.open.size > MAX_OPEN) this.open.delete(first)
    }
    return true
  }

  private fits({ app, at, keys, op, operations, verdict }: ReadRecord): boolean {
    const { wanted } = this
    const time = Date.parse(at)
    if (wanted.since !== undefined && time < wanted.since) return false
    if (wanted.until !== undefined && time > wanted.until) return false
    if (wanted.app !== undefined && app !== wanted.app) return false
    if (wanted.operation !== undefined && operations?.includes(wanted.operation) !== true) return false
    if (wanted.keys !== undefined && keys?.some((key) => wanted.keys?.has(key)) !== true) return false
    switch (wanted.verdict) {
      case undefined:
        return true
      case "allowed":
        return op === "allowed"
      case "refused":
        return refusals.has(op)
      default:
        return verdict === wanted.verdict
    }
  }
}
