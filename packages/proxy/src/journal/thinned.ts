// What a client can bring about as often as it likes, in the journal: some of it one by one, and beyond that counted, so that
// all of it is accounted for, and nobody can fill a disk or push the records of others out of the journal.
import * as DateTime from "effect/DateTime"
import { inCommon, type JournalRecord } from "./record.ts"

/** Records of an app that are written one by one: so many at once, and one more after so many milliseconds. */
const BURST = 100
const REFILL = 10_000

/** What is counted is written after this, in milliseconds, and as long as more of it comes after twice as long each time. */
const [FIRST, LONGEST] = [1_000, 60_000]

/** Kinds that are counted apart, for one app at one time. */
const KINDS = 8

interface Counted {
  readonly record: JournalRecord
  readonly since: number
  times: number
}

interface App {
  left: number
  at: number
  wait: number
  /** Ends the wait; `undefined` while all is written one by one. */
  cancel: (() => void) | undefined
  readonly counted: Map<string, Counted>
}

export interface ThinnedOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Calls back after milliseconds; what comes back stops that. */
  readonly later: (run: () => void, milliseconds: number) => () => void
  readonly write: (record: JournalRecord) => void
}

export class Thinned {
  private readonly apps = new Map<string | null, App>()
  private readonly options: ThinnedOptions

  constructor(options: ThinnedOptions) {
    this.options = options
  }

  /** Writes a record of its app, now or with others. */
  add(record: JournalRecord): void {
    const now = this.options.now()
    const app = this.appOf(record.app ?? null, now)
    if (app.cancel === undefined) {
      app.left = Math.min(BURST, app.left + Math.max(0, now - app.at) / REFILL)
      app.at = now
      if (app.left >= 1) {
        app.left -= 1
        return this.options.write(record)
      }
      this.wait(app, FIRST)
    }
    const kind = JSON.stringify([record.op, record.command, record.reason])
    const its = app.counted.get(kind) === undefined && app.counted.size >= KINDS ? "other" : kind
    const there = app.counted.get(its)
    app.counted.set(its, {
      record: there === undefined ? record : common(there.record, record),
      since: there?.since ?? now,
      times: (there?.times ?? 0) + 1
    })
  }

  /** Writes all that is counted. */
  flush(): void {
    for (const app of this.apps.values()) {
      app.cancel?.()
      app.cancel = undefined
      this.writeCounted(app)
    }
  }

  private appOf(name: string | null, now: number): App {
    const there = this.apps.get(name)
    if (there !== undefined) return there
    const made: App = { left: BURST, at: now, wait: FIRST, cancel: undefined, counted: new Map() }
    this.apps.set(name, made)
    return made
  }

  private wait(app: App, milliseconds: number): void {
    app.wait = milliseconds
    app.cancel = this.options.later(() => {
      app.cancel = undefined
      if (!this.writeCounted(app)) return
      this.wait(app, Math.min(LONGEST, 2 * app.wait))
    }, milliseconds)
  }

  private writeCounted(app: App): boolean {
    const { counted } = app
    for (const { record, since, times } of counted.values()) {
      this.options.write(
        times === 1 ? record : { ...record, times, since: DateTime.formatIso(DateTime.makeUnsafe(since)) }
      )
    }
    const some = counted.size > 0
    counted.clear()
    return some
  }
}

/** Of different kinds only who it was is told, and that it was refused. */
const common = (one: JournalRecord, other: JournalRecord): JournalRecord =>
  one.op === other.op ? inCommon(one, other) : { ...inCommon(one, other), op: "refused" }
