// Nobody is worn down by questions: an asker has a few open at most, and is not asked for at all for a while after questions
// that got no answer. Pure but for its clock.

/** Questions of one asker that the owner can see at once. */
export const MAX_OPEN = 3

/** Questions in a row without an answer, and those with a no, after which there is a pause. */
const MAX_UNANSWERED = 2
const MAX_NOES = 5

/** Askers about whom something is remembered. */
const MAX_ASKERS = 10_000

interface Record {
  open: number
  unanswered: number
  noes: number
  /** Until when nobody is asked, in milliseconds of the clock. */
  until: number
}

/** How a question ended, as far as it counts: `unanswered` also where it was shown and then taken back. */
export type Ending = "yes" | "no" | "unanswered" | "unseen"

export class Turns {
  private readonly records = new Map<string, Record>()
  private readonly now: () => number

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.now = now
  }

  /** Whether the asker may have one more question open. */
  hasRoom(asker: string): boolean {
    return (this.records.get(asker)?.open ?? 0) < MAX_OPEN
  }

  /** Until when the asker is not asked for; `undefined` where it is. */
  pausedUntil(asker: string): number | undefined {
    const until = this.records.get(asker)?.until ?? 0
    return until > this.now() ? until : undefined
  }

  /** Every asker that is paused, and until when. */
  get paused(): ReadonlyArray<{ readonly asker: string; readonly until: number }> {
    const now = this.now()
    return [...this.records].filter(([, { until }]) => until > now).map(([asker, { until }]) => ({ asker, until }))
  }

  opened(asker: string): void {
    const record = this.records.get(asker) ?? { open: 0, unanswered: 0, noes: 0, until: 0 }
    record.open++
    this.records.set(asker, record)
  }

  /** A question has ended; `true` where a pause of `pause` milliseconds begins with that. */
  ended(asker: string, how: Ending, pause: number): boolean {
    const record = this.records.get(asker)
    if (record === undefined) return false
    record.open--
    // what the owner says shows that he is there
    if (how === "yes" || how === "no") record.unanswered = 0
    if (how === "yes") {
      record.noes = 0
      record.until = 0
    }
    if (how === "no") record.noes++
    if (how === "unanswered") record.unanswered++
    const begins = record.unanswered >= MAX_UNANSWERED || record.noes >= MAX_NOES
    if (begins) {
      record.unanswered = 0
      record.noes = 0
      record.until = this.now() + pause
    }
    this.forget()
    return begins
  }

  private forget(): void {
    if (this.records.size <= MAX_ASKERS) return
    for (const [asker, { noes, open, unanswered, until }] of this.records) {
      if (open === 0 && unanswered === 0 && noes === 0 && until <= this.now()) this.records.delete(asker)
    }
  }
}
