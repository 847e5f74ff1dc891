// `limit = "60/hour"` of the policy: a bucket for each app and each entry that has a limit.
import type { Entry } from "@gripgate/policy/policy"
import type { Rate } from "@gripgate/policy/rate"
import { Bucket } from "../bucket.ts"

/** Buckets of entries that are gone from the policy are dropped when there are more than this. */
const MAX_BUCKETS = 10_000

export class Rates {
  private readonly buckets = new Map<string, Bucket>()
  private readonly now: () => number

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  /** Whether each of these entries has one use left for this app. Entries without a limit always have. */
  has(app: string | undefined, entries: ReadonlyArray<Entry>): boolean {
    return entries.every((entry) => entry.limit === undefined || this.bucket(app, entry, entry.limit).has())
  }

  /** Takes one use of each entry, of all or, if one has none left, of none. */
  take(app: string | undefined, entries: ReadonlyArray<Entry>): boolean {
    if (!this.has(app, entries)) return false
    for (const entry of entries) if (entry.limit !== undefined) this.bucket(app, entry, entry.limit).take()
    return true
  }

  /** Gives back what was taken for a use that did not come about. */
  giveBack(app: string | undefined, entries: ReadonlyArray<Entry>): void {
    for (const entry of entries) {
      const bucket = this.buckets.get(nameOf(app, entry))
      // a bucket of another rate was full when it began: nothing is missing there
      if (bucket !== undefined && isRate(bucket.rate, entry.limit)) bucket.giveBack()
    }
  }

  private bucket(app: string | undefined, entry: Entry, rate: Rate): Bucket {
    const name = nameOf(app, entry)
    const there = this.buckets.get(name)
    // a limit that was changed in the file begins anew
    if (there !== undefined && isRate(there.rate, rate)) return there
    if (this.buckets.size >= MAX_BUCKETS) this.dropFull()
    const fresh = new Bucket(rate, this.now)
    this.buckets.set(name, fresh)
    return fresh
  }

  private dropFull(): void {
    for (const [name, bucket] of this.buckets) if (bucket.isFull()) this.buckets.delete(name)
  }
}

const nameOf = (app: string | undefined, entry: Entry): string => `${app ?? ""} ${entry.text}`

const isRate = (rate: Rate, other: Rate | undefined): boolean => rate.count === other?.count && rate.per === other.per
