// Puts what came of a use behind the use, in the order in which the uses began.
import type { ReadRecord } from "@gripgate/proxy/journal/read-record"
import type { Joined } from "../../screens/log.ts"

/** Records that wait for the outcome of the first of them, at most, and uses that were told without theirs. */
const MAX_WAITING = 1_000

export class Joiner {
  private waiting: Array<{ readonly record: ReadRecord; outcome?: ReadRecord }> = []
  private readonly open = new Map<string, { readonly record: ReadRecord; outcome?: ReadRecord }>()
  private readonly told = new Map<string, ReadRecord>()

  /** Takes the next record, and gives what can be told now. */
  push(record: ReadRecord): ReadonlyArray<Joined> {
    const { op, use } = record
    if (op === "outcome" && use !== undefined) {
      const entry = this.open.get(use)
      if (entry !== undefined) {
        entry.outcome = record
        this.open.delete(use)
        return this.ready(false)
      }
      const before = this.told.get(use)
      this.told.delete(use)
      if (before !== undefined) return [...this.ready(true), { record: before, outcome: record, late: true }]
    }
    const entry = { record }
    this.waiting.push(entry)
    if (op === "allowed" && use !== undefined) this.open.set(use, entry)
    return this.ready(this.waiting.length > MAX_WAITING)
  }

  /** Everything that waits, known or not. */
  rest(): ReadonlyArray<Joined> {
    return this.ready(true)
  }

  private ready(all: boolean): ReadonlyArray<Joined> {
    let count = 0
    while (count < this.waiting.length && (all || !this.isOpen(this.waiting[count]!.record))) count++
    const ready = this.waiting.slice(0, count)
    this.waiting = this.waiting.slice(count)
    for (const { record } of ready) {
      if (!this.isOpen(record)) continue
      this.open.delete(record.use!)
      this.told.set(record.use!, record)
      const [first] = this.told.keys()
      if (first !== undefined && this.told.size > MAX_WAITING) this.told.delete(first)
    }
    return ready
  }

  private isOpen({ op, use }: ReadRecord): boolean {
    return op === "allowed" && use !== undefined && this.open.has(use)
  }
}
