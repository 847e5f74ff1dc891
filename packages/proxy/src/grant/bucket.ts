// How often a grant may be used: a token bucket, full at the start, which fills again evenly. In memory: a restart fills it.
import type { Rate } from "@gripgate/policy/rate"

export class Bucket {
  private readonly rate: Rate
  private readonly now: () => number
  private left: number
  private at: number

  /** `now` in milliseconds, of a clock that nobody sets. */
  constructor(rate: Rate, now: () => number) {
    this.rate = rate
    this.now = now
    this.left = rate.count
    this.at = now()
  }

  /** Whether there is one left. */
  has(): boolean {
    const now = this.now()
    this.left = Math.min(this.rate.count, this.left + Math.max(0, now - this.at) * this.rate.count / this.rate.per)
    this.at = now
    return this.left >= 1
  }

  /** Takes one. */
  take(): void {
    this.left -= 1
  }
}
