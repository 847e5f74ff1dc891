// Refusals without end: each is accounted for, and few records say so.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { JournalRecord } from "../../src/journal/record.ts"
import { Thinned } from "../../src/journal/thinned.ts"

const DAY = 86_400_000

/** A clock that is turned by hand, and what was written at which time. */
const place = () => {
  let now = 1_000_000
  let timers: Array<{ readonly at: number; readonly run: () => void }> = []
  const written: Array<JournalRecord> = []
  const thinned = new Thinned({
    now: () => now,
    later: (run, milliseconds) => {
      const timer = { at: now + milliseconds, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((each) => each !== timer)
      }
    },
    write: (record) => void written.push(record)
  })
  const pass = (milliseconds: number) => {
    const end = now + milliseconds
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      timers = timers.filter((each) => each !== next)
      now = next.at
      next.run()
    }
    now = end
  }
  return { thinned, written, pass }
}

const count = (records: ReadonlyArray<JournalRecord>): number => records.reduce((sum, { times = 1 }) => sum + times, 0)

const refused = (app: string | null, more: Partial<JournalRecord> = {}): JournalRecord => ({
  op: "refused",
  app,
  session: 1,
  command: "PKSIGN",
  reason: "no",
  ...more
})

describe("refusals", () => {
  it("are written one by one, as they come, while they are few", () => {
    const { pass, thinned, written } = place()
    const all = Array.from({ length: 50 }, (_, i) => refused("git", { session: i }))
    for (const record of all) {
      thinned.add(record)
      pass(10)
    }
    assert.deepStrictEqual(written, all)
  })

  it("are counted where they come fast, and told after a second with what they have in common", () => {
    const { pass, thinned, written } = place()
    for (let i = 0; i < 1_000; i++) thinned.add(refused("git", { session: i, keys: ["A"] }))
    assert.isBelow(written.length, 200)
    const before = count(written)
    pass(1_000)
    assert.strictEqual(count(written), 1_000)
    assert.deepStrictEqual(written.at(-1), {
      op: "refused",
      app: "git",
      command: "PKSIGN",
      reason: "no",
      keys: ["A"],
      times: 1_000 - before,
      since: new Date(1_000_000).toISOString()
    })
  })

  it("of one app take nothing from those of another", () => {
    const { thinned, written } = place()
    for (let i = 0; i < 1_000; i++) thinned.add(refused("git"))
    thinned.add(refused("mail"))
    thinned.add(refused(null))
    assert.deepStrictEqual(written.slice(-2), [refused("mail"), refused(null)])
  })

  it("without end are a few records a day, however they differ", () => {
    const { pass, thinned, written } = place()
    const total = 100_000
    for (let i = 0; i < total; i++) {
      thinned.add(
        refused("git", { reason: `no ${i % 1000}`, command: `C${i % 77}`, op: i % 2 === 0 ? "refused" : "rejected" })
      )
      pass(DAY / total)
    }
    thinned.flush()
    assert.strictEqual(count(written), total)
    assert.isBelow(written.length, 20_000)
  })

  it("that stop for a while are told one by one again", () => {
    const { pass, thinned, written } = place()
    for (let i = 0; i < 1_000; i++) thinned.add(refused("git"))
    pass(DAY)
    thinned.add(refused("git", { session: 7 }))
    assert.deepStrictEqual(written.at(-1), refused("git", { session: 7 }))
  })

  it("are all accounted for at the end, whenever they came", () => {
    const app = fc.constantFrom("git", "mail", null)
    const step = fc.record({ app, wait: fc.nat(20_000), burst: fc.nat(300), reason: fc.nat(20) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { pass, thinned, written } = place()
        let total = 0
        for (const { app, burst, reason, wait } of steps) {
          for (let i = 0; i < burst; i++) thinned.add(refused(app, { reason: String(reason) }))
          total += burst
          pass(wait)
        }
        thinned.flush()
        assert.strictEqual(count(written), total)
        for (const name of ["git", "mail", null]) {
          const of = steps.filter(({ app }) => app === name).reduce((sum, { burst }) => sum + burst, 0)
          assert.strictEqual(count(written.filter(({ app }) => app === name)), of)
        }
      }),
      { numRuns: 50 }
    )
  })
})
