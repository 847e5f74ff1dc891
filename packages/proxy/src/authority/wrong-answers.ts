// Passphrases that an app tried and that were wrong. After a few the next one has to wait, and the wait doubles: what is tried
// in parallel counts as wrong until it is known, and waits in a row.

/** Wrong answers that cost nothing: people mistype. */
const FREE = 3
/** The first wait, and the longest, in milliseconds. */
const FIRST = 1_000
const LONGEST = 60_000
/** There is no turn that is further away than this, in milliseconds. */
export const LONGEST_WAIT = 60_000
/** After this long without a wrong answer nothing is held against an app. */
const FORGIVEN = 3_600_000
/** For this long after a right answer an app is taken to know the passphrase, and gives it as often at once as it likes. */
const TRUSTED = 600_000

interface Record {
  wrong: number
  /** Turns that were taken, and of which nobody knows yet what came. */
  open: number
  /** The time of the last wrong answer, and of the last right one. */
  last: number
  right: number | undefined
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

  /** Whether so many answers were wrong that the next one has to wait. */
  suspects(guesser: string): boolean {
    return (this.known(guesser)?.wrong ?? 0) >= FREE
  }

  /**
   * Takes a turn: milliseconds to wait before an answer may go to the agent, mostly 0; `undefined` where there is none for
   * now. The next turn is behind this one. What came of it is told with `right`, `wrong` or `open`, once.
   */
  turn(guesser: string): number | undefined {
    const now = this.now()
    const record = this.known(guesser) ?? { wrong: 0, open: 0, last: now, right: undefined, next: now }
    const held = this.isTrusted(guesser) ? 0 : record.wrong + record.open
    // beside others that are under way there is a wait in any case
    const at = held < FREE ? now : Math.max(record.next, record.open > 0 ? now + FIRST : now)
    if (at - now > LONGEST_WAIT) return undefined
    if (held >= FREE) record.next = at + delayAfter(held)
    record.open++
    this.records.set(guesser, record)
    return at - now
  }

  /** Whether an app gave the right answer a while ago, and no wrong one since. */
  isTrusted(guesser: string): boolean {
    const record = this.known(guesser)
    return record?.right !== undefined && record.wrong === 0 && this.now() - record.right <= TRUSTED
  }

  /** The agent said that the answer was wrong, or the client took its turn back when it was asked. */
  wrong(guesser: string): void {
    const now = this.now()
    const record = this.settle(guesser)
    record.wrong++
    record.last = now
    record.right = undefined
    const held = record.wrong + record.open
    if (held >= FREE) record.next = Math.max(record.next, now + delayAfter(held))
  }

  /** The answer was right: what was wrong before is forgotten. */
  right(guesser: string): void {
    const record = this.settle(guesser)
    record.wrong = 0
    record.right = this.now()
    record.next = record.right
  }

  /** A turn was taken, and nothing came of it that says anything. */
  unused(guesser: string): void {
    this.settle(guesser)
  }

  /** Wrong answers that are not forgiven. */
  count(guesser: string): number {
    return this.known(guesser)?.wrong ?? 0
  }

  private known(guesser: string): Record | undefined {
    const record = this.records.get(guesser)
    if (record === undefined || record.open > 0) return record
    const last = Math.max(record.last, record.right ?? 0)
    if (this.now() - last <= FORGIVEN) return record
    this.records.delete(guesser)
    return undefined
  }

  private settle(guesser: string): Record {
    const now = this.now()
    const record = this.records.get(guesser) ?? { wrong: 0, open: 1, last: now, right: undefined, next: now }
    record.open = Math.max(0, record.open - 1)
    this.records.set(guesser, record)
    return record
  }
}

const delayAfter = (wrong: number): number => Math.min(LONGEST, FIRST * 2 ** Math.min(20, wrong - FREE))
