// Whatever a gate says: no line is over the width, nothing on it is obeyed by a terminal, and a live screen has as many lines as
// there are rows.
import { assert, describe, it } from "@effect/vitest"
import type { Finding } from "@gripgate/deploy/doctor/finding"
import { levels } from "@gripgate/deploy/doctor/ids"
import fc from "fast-check"
import { answeredScreen, asksScreen } from "../../src/screens/asks.ts"
import { doctorScreen } from "../../src/screens/doctor.ts"
import { grantScreen, grantsScreen, revokedScreen } from "../../src/screens/grants.ts"
import type { Line } from "../../src/screens/line.ts"
import { statusScreen } from "../../src/screens/status.ts"
import { watchScreen } from "../../src/screens/watch/watch.ts"
import * as any from "./arbitrary.ts"
import { view, watching } from "./data.ts"

/** What is not ASCII may need two columns. */
const columnsOf = (text: string): number => Array.from(text).reduce((sum, each) => sum + (each <= "\x7f" ? 1 : 2), 0)

const harmful = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/u

const assertFits = (lines: ReadonlyArray<Line>, columns: number): void => {
  for (const { text } of lines) {
    assert.isAtMost(columnsOf(text), columns, text)
    assert.notMatch(text, harmful)
  }
}

const columns = fc.oneof(fc.integer({ min: 1, max: 220 }), fc.constantFrom(40, 80, 200))
const options = { seed: 1, numRuns: 300 }

describe("no line is over the width or does anything", () => {
  it("asks", () => {
    fc.assert(
      fc.property(columns, any.questions, any.paused, (columns, asked, paused) => {
        assertFits(asksScreen(asked, paused, view(columns)), columns)
      }),
      options
    )
  })

  it("approve and deny", () => {
    fc.assert(
      fc.property(columns, any.question, (columns, question) => {
        assertFits(answeredScreen(question, "yes, for 15 minutes", view(columns)), columns)
      }),
      options
    )
  })

  it("grants and revoke", () => {
    fc.assert(
      fc.property(columns, fc.array(any.grant, { maxLength: 5 }), any.text, (columns, grants, app) => {
        assertFits(grantsScreen(grants, view(columns)), columns)
        for (const grant of grants) assertFits(grantScreen(grant, view(columns)), columns)
        const ids = grants.map(({ id }) => id)
        assertFits(revokedScreen({ revoked: [], standing: ids }, app, view(columns)), columns)
        assertFits(revokedScreen({ revoked: ids, standing: [] }, undefined, view(columns)), columns)
      }),
      options
    )
  })

  it("doctor", () => {
    const finding = fc.record({
      id: fc.constantFrom(...Object.keys(levels) as Array<keyof typeof levels>),
      message: any.text,
      where: fc.option(any.text),
      fix: fc.constant(null)
    }).map((each): Finding => ({ ...each, level: levels[each.id] }))
    fc.assert(
      fc.property(columns, fc.array(finding, { maxLength: 6 }), fc.boolean(), (columns, findings, verbose) => {
        assertFits(doctorScreen(findings, { ...view(columns), verbose }), columns)
      }),
      options
    )
  })

  it("status", () => {
    fc.assert(
      fc.property(columns, any.status, (columns, status) => {
        assertFits(statusScreen(status, view(columns)), columns)
      }),
      options
    )
  })

  it("watch, at any size", () => {
    const screen = fc.record({
      asks: any.questions,
      decided: fc.array(any.decision, { maxLength: 8 }),
      paused: any.paused,
      place: fc.option(any.place, { nil: undefined }),
      gone: fc.option(any.text, { nil: undefined, freq: 3 }),
      from: fc.nat({ max: 60 }),
      help: fc.boolean(),
      confirm: fc.constantFrom(undefined, "always", "never"),
      message: fc.option(any.text, { nil: undefined })
    })
    const at = fc.nat({ max: 6 })
    fc.assert(
      fc.property(columns, fc.integer({ min: 1, max: 60 }), screen, at, (columns, rows, screen, at) => {
        const lines = watchScreen(watching(columns, rows, { ...screen, marked: screen.asks[at]?.id }))
        assert.lengthOf(lines, rows)
        assertFits(lines, columns)
      }),
      options
    )
  })
})
