// Passphrases that an app tried and that were wrong. After a few the next one has to wait, and the wait doubles: what is tried
// in parallel waits in a row.

/** Wrong answers that cost nothing: people mistype. */
const FREE = 3
/** The first wait, and the longest, in milliseconds. */
const FIRST = 1_000
const LONGEST = 60_000
/** A turn that is further away than this is refused at once. */
const MAX_WAIT = 60_000
/** After this long without a wrong answer nothing is held against an app. */
const FORGIVEN = 3_600_000

interface Record {
  wrong: number
  last: number
  /** When the next answer may go to the agent. */
  next: number
}

export class WrongAnswers {
  private readonly records = new Map<string, Record>()
  private readonly now: () => number

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  /**
   * Milliseconds to wait before an answer of this app may go to the agent, mostly 0; `undefined` where it is refused. It is
   * a turn: the next answer waits behind this one.
   */
  turn(app: string): number | undefined {
    const record = this.records.get(app)
    if (record === undefined) return 0
    const now = this.now()
    if (now - record.last > FORGIVEN) {
      this.records.delete(app)
      return 0
    }
    if (record.wrong < FREE) return 0
    const at = Math.max(now, record.next)
    if (at - now > MAX_WAIT) return undefined
    record.next = at + delayAfter(record.wrong)
    return at - now
  }

  /** The agent said that the answer was wrong. */
  wrong(app: string): void {
    const now = this.now()
    const record = this.records.get(app) ?? { wrong: 0, last: now, next: now }
    record.wrong++
    record.last = now
    if (record.wrong >= FREE) record.next = Math.max(record.next, now + delayAfter(record.wrong))
    this.records.set(app, record)
  }

  /** The answer was right. */
  right(app: string): void {
    this.records.delete(app)
  }

  /** Wrong answers of an app that are not forgiven. */
  count(app: string): number {
    return this.records.get(app)?.wrong ?? 0
  }
}

const delayAfter = (wrong: number): number => Math.min(LONGEST, FIRST * 2 ** Math.min(20, wrong - FREE))
