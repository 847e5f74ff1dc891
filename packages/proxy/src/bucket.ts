// `60/hour`: a token bucket. It is full at the start and fills again evenly; what is not used is not saved beyond that. It lies in
// memory: a restart fills it.
import type { Rate } from "@gripgate/policy/rate"

export class Bucket {
  readonly rate: Rate
  private readonly now: () => number
  private left: number
  private at: number

  /** `now` in milliseconds. */
  constructor(rate: Rate, now: () => number) {
    this.rate = rate
    this.now = now
    this.left = rate.count
    this.at = now()
  }

  /** Whether there is one left. */
  has(): boolean {
    this.refill()
    return this.left >= 1
  }

  /** Whether it says no more than one that was never used. */
  isFull(): boolean {
    this.refill()
    return this.left >= this.rate.count
  }

  take(): void {
    this.left -= 1
  }

  /** Gives back one that was taken. */
  giveBack(): void {
    this.left = Math.min(this.rate.count, this.left + 1)
  }

  private refill(): void {
    const now = this.now()
    // a clock that was set back gives nothing
    const gained = Math.max(0, now - this.at) * this.rate.count / this.rate.per
    this.left = Math.min(this.rate.count, this.left + gained)
    this.at = now
  }
}
