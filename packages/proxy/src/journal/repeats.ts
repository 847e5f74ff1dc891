// Refusals come as fast as a client can ask: beyond a few a second they are counted instead of told.

/** Lines that may come at once, and lines a second after that. */
const BURST = 100
const PER_SECOND = 10

export class Repeats {
  private left = BURST
  private at: number
  private dropped = 0
  private readonly now: () => number

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
    this.at = now()
  }

  /** Whether a line may be written now; a number says how many were left out before it, which is to be told too. */
  admit(): number | undefined {
    const now = this.now()
    this.left = Math.min(BURST, this.left + Math.max(0, now - this.at) * PER_SECOND / 1000)
    this.at = now
    if (this.left < 1) {
      this.dropped++
      return undefined
    }
    this.left -= 1
    const { dropped } = this
    this.dropped = 0
    return dropped
  }
}
