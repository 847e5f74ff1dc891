// The watch without a terminal and without a gate: what comes in, at a time, and what becomes of it.
import { assert, describe, it } from "@effect/vitest"
import type { AskedQuestion } from "@gripgate/proxy/control/message/asked"
import fc from "fast-check"
import { watchScreen } from "../../../src/screens/watch/watch.ts"
import type { Key } from "../../../src/verbs/watch/keys.ts"
import { type Action, DEAF, type Event, type Model, startModel } from "../../../src/verbs/watch/model.ts"
import { step } from "../../../src/verbs/watch/step.ts"
import { hostile, inLine, NOW, sign, snapshot, trust } from "../../screens/data.ts"

/** A watch that is fed, on a clock that is set. */
class Watch {
  model: Model = startModel(80, 24, () => 0)
  now = NOW
  readonly actions: Array<Action> = []

  feed(...events: ReadonlyArray<Event>): this {
    for (const event of events) {
      const [model, actions] = step(this.model, event, this.now)
      this.model = model
      this.actions.push(...actions)
    }
    return this
  }

  /** So many milliseconds later. */
  later(milliseconds: number): this {
    this.now += milliseconds
    return this
  }

  asked(...asks: ReadonlyArray<AskedQuestion>): this {
    return this.feed({ kind: "snapshot", snapshot: { ...snapshot, asks } })
  }

  press(...keys: ReadonlyArray<string>): this {
    return this.feed(
      ...keys.map((key): Event => ({ kind: "key", key: (key.length === 1 ? `char:${key}` : key) as Key }))
    )
  }

  get bottom(): string {
    return watchScreen(this.model).at(-1)!.text
  }

  get answers(): ReadonlyArray<ReadonlyArray<unknown>> {
    return this.actions.flatMap((action) => action.kind === "answer" ? [[action.id, action.answer, action.good]] : [])
  }
}

/** A watch of these questions, in which keys are heard. */
const watching = (...asks: ReadonlyArray<AskedQuestion>) => new Watch().asked(...asks).later(DEAF)

const [A, B, C] = ["AA22", "BB33", "CC44"].map((id): AskedQuestion => ({ ...sign, id })) as [
  AskedQuestion,
  AskedQuestion,
  AskedQuestion
]

describe("a key", () => {
  it("answers the marked question", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ReadonlyArray<unknown>]> = [
      [["y"], ["AA22", "yes", "once"]],
      [["w"], ["AA22", "yes", 900_000]],
      [["n"], ["AA22", "no", "once"]],
      [["A", "y"], ["AA22", "yes", "always"]],
      [["N", "y"], ["AA22", "no", "always"]],
      [["down", "y"], ["BB33", "yes", "once"]],
      [["down", "down", "down", "up", "y"], ["AA22", "yes", "once"]]
    ]
    for (const [keys, answer] of cases) {
      assert.deepStrictEqual(watching(A, B).press(...keys).answers, [answer], keys.join(" "))
    }
  })

  it("that is not y takes always and never back, and does nothing else", () => {
    for (const key of ["n", "N", "A", "w", "q", "?", "down", "other"]) {
      const watch = watching(A, B).press("A", key)
      assert.deepStrictEqual([watch.answers, watch.model.confirm, watch.model.marked], [[], undefined, "AA22"], key)
      assert.deepStrictEqual(watch.actions, [], key)
    }
  })

  it("answers nothing that is not offered, or that waits in line, and says so", () => {
    const plain = watching(trust)
    assert.strictEqual(plain.press("w").bottom, "a yes for a while is not offered for this question")
    assert.strictEqual(plain.press("A").bottom, "always is not offered for this question")
    assert.strictEqual(plain.press("N").bottom, "never is not offered for this question")
    assert.strictEqual(watching(inLine).press("y").bottom, "Q4W7 waits in line, and cannot be answered yet")
    assert.deepStrictEqual(plain.answers, [])
  })

  it("answers nothing on a screen on which the question cannot be seen", () => {
    const watch = watching(A).feed({ kind: "size", columns: 80, rows: 2 }).press("y")
    assert.deepStrictEqual([watch.answers, watch.bottom], [[], "too small to answer here"])
    assert.lengthOf(watch.feed({ kind: "size", columns: 40, rows: 10 }).press("y").answers, 1)
  })

  it("answers once: until the gate has spoken, others are not heard", () => {
    const watch = watching(A, B).press("y", "y", "n", "w")
    assert.lengthOf(watch.answers, 1)
    // and the gate may show the question a moment longer
    watch.feed({ kind: "answered", id: "AA22", text: "yes, for this once" }).asked(A, B).press("y")
    assert.lengthOf(watch.answers, 1)
    assert.strictEqual(watch.model.marked, "BB33")
    watch.asked(B).later(2 * DEAF).press("y")
    assert.deepStrictEqual(watch.answers, [["AA22", "yes", "once"], ["BB33", "yes", "once"]])
  })

  it("opens the help, and any key closes it and does nothing else", () => {
    const watch = watching(A).press("?", "y", "y")
    assert.deepStrictEqual([watch.model.help, watch.answers], [false, []])
    assert.lengthOf(watch.later(2 * DEAF).press("y").answers, 1)
  })

  it("quits, stops and redraws", () => {
    assert.deepStrictEqual(new Watch().press("q", "interrupt", "suspend", "redraw").actions, [
      { kind: "quit", how: "key" },
      { kind: "quit", how: "interrupt" },
      { kind: "suspend" },
      { kind: "redraw" }
    ])
    // whatever else is on the screen
    assert.deepStrictEqual(watching(A).press("A", "interrupt").actions, [{ kind: "quit", how: "interrupt" }])
  })
})

describe("the mark", () => {
  it("stays with its question, wherever that stands", () => {
    const watch = watching(A, B).press("down").asked(C, A, inLine, B)
    assert.strictEqual(watch.model.marked, "BB33")
    assert.lengthOf(watch.press("y").answers, 1)
  })

  it("goes to what stood below, and to the last where nothing did", () => {
    assert.strictEqual(watching(A, B, C).press("down").asked(A, C).model.marked, "CC44")
    assert.strictEqual(watching(A, B, C).press("down", "down").asked(A, B).model.marked, "BB33")
    assert.strictEqual(watching(A, B, C).asked(C).model.marked, "CC44")
    assert.strictEqual(watching(A).asked().model.marked, undefined)
  })

  it("begins with the first question that can be answered", () => {
    assert.strictEqual(watching(inLine, A).model.marked, "AA22")
    assert.strictEqual(watching(inLine).model.marked, "Q4W7")
  })
})

describe("keys answer nothing for half a second", () => {
  it("after another question has come under the mark", () => {
    const watch = watching(A, B).asked(B).later(DEAF - 1).press("y", "n", "A")
    assert.deepStrictEqual([watch.answers, watch.model.confirm], [[], undefined])
    assert.strictEqual(watch.bottom, "that key was not taken: this question has only just come")
    assert.deepStrictEqual(watching(A, B).asked(B).later(DEAF).press("y").answers, [["BB33", "yes", "once"]])
  })

  it("after the first one has come, and what was typed before is thrown away", () => {
    const watch = new Watch().press("y", "A", "y").asked().press("y").asked(A).press("y")
    assert.deepStrictEqual([watch.answers, watch.model.confirm], [[], undefined])
  })

  it("as long as a key is held down", () => {
    const watch = watching(A, B).asked(B)
    for (let i = 0; i < 100; i++) watch.later(33).press("y")
    assert.deepStrictEqual(watch.answers, [])
    assert.lengthOf(watch.later(DEAF).press("y").answers, 1)
  })

  it("after the terminal was somebody else's, and nothing is left to be confirmed", () => {
    const watch = watching(A).press("A").feed({ kind: "back" }).press("y")
    assert.deepStrictEqual([watch.answers, watch.model.confirm], [[], undefined])
  })

  it("and not because others came, or the mark was moved", () => {
    assert.lengthOf(watching(A).asked(A, B).press("y").answers, 1)
    assert.lengthOf(watching(A, B).press("down", "y").answers, 1)
  })

  it("but the mark can be moved, and the watch left", () => {
    const watch = watching(A, B, C).asked(B, C).press("down", "q")
    assert.deepStrictEqual([watch.model.marked, watch.actions], ["CC44", [{ kind: "quit", how: "key" }]])
  })
})

describe("whatever comes, in whatever order", () => {
  it("only a question that was under the mark for half a second is answered", () => {
    const event = fc.oneof(
      fc.array(fc.constantFrom(A, B, C, trust, inLine), { maxLength: 4 }).map((asks) => ({ asks: [...new Set(asks)] })),
      fc.constantFrom("y", "w", "n", "A", "N", "up", "down", "?", "other").map((key) => ({ key })),
      fc.integer({ min: 0, max: 700 }).map((wait) => ({ wait })),
      fc.constantFrom("answered", "failed", "gone", "back").map((kind) => ({ kind }))
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const watch = new Watch()
        let since = watch.now
        for (const each of events) {
          const { marked } = watch.model
          const busy = watch.actions.at(-1)
          const before = watch.answers.length
          let moved = false
          if ("asks" in each) watch.asked(...each.asks)
          else if ("key" in each) {
            watch.press(each.key)
            moved = each.key === "up" || each.key === "down"
          } else if ("wait" in each) watch.later(each.wait)
          else if (each.kind === "gone") watch.feed({ kind: "gone", why: "it has gone" })
          else if (each.kind === "back") watch.feed({ kind: "back" })
          else if (busy?.kind === "answer" && watch.model.busy === busy.id) {
            watch.feed({ kind: each.kind as "answered" | "failed", id: busy.id, text: "" })
          }
          if (watch.answers.length > before) {
            assert.strictEqual(watch.answers.at(-1)![0], marked)
            assert.isAtLeast(watch.now - since, DEAF)
            assert.strictEqual(watch.model.asks.find(({ id }) => id === marked)?.state, "open")
          }
          // whoever moves the mark has seen to what; a mark that moves by itself is news
          if (watch.model.marked !== marked && !moved) since = watch.now
        }
      }),
      { seed: 1, numRuns: 1_000 }
    )
  })
})

describe("the screen", () => {
  it("tells what came of an answer, until a key is pressed or some time has passed", () => {
    const answered = () => watching(A, B).press("y").feed({ kind: "answered", id: "AA22", text: "yes, for this once" })
    assert.strictEqual(answered().bottom, "AA22: yes, for this once")
    assert.match(answered().press("other").bottom, /^y once/)
    assert.match(answered().later(10_000).feed({ kind: "tick" }).bottom, /^y once/)
    const failed = watching(A).press("y").feed({
      kind: "failed",
      id: "AA22",
      text: "it has ended already: no\u001b[2J"
    })
    assert.strictEqual(failed.bottom, "AA22: it has ended already: no\\u{1b}[2J")
  })

  it("shows no question of a gate that has gone, and finds its mark again", () => {
    const watch = watching(A, B).press("down").feed({ kind: "gone", why: "the gate at /x has gone" })
    assert.deepStrictEqual(watch.press("y").answers, [])
    assert.notInclude(watchScreen(watch.model).map(({ text }) => text).join("\n"), "BB33")
    assert.strictEqual(watch.asked(A, B).model.marked, "BB33")
    assert.deepStrictEqual(watch.press("y").answers, [])
  })

  it("pages through a question that does not fit, and no further", () => {
    const watch = watching(hostile).feed({ kind: "size", columns: 40, rows: 10 })
    const shown = () => watchScreen(watch.model).map(({ text }) => text).find((text) => text.startsWith("-- ZZ29"))!
    const places = [shown()]
    for (let i = 0; i < 12; i++) places.push((watch.press("pageDown"), shown()))
    assert.match(places[0]!, / 1-\d+ of \d+, PgDn --$/)
    assert.match(places.at(-1)!, /-(\d+) of \1, PgUp --$/)
    for (let i = 0; i < 12; i++) watch.press("pageUp")
    assert.strictEqual(shown(), places[0])
    // a screen that has become larger shows no less than it can
    watch.press("pageDown", "pageDown").feed({ kind: "size", columns: 200, rows: 50 })
    assert.match(shown(), /^-- ZZ29 -+$/)
  })

  it("grows older each second", () => {
    const watch = watching(A)
    watch.now = NOW + 5_000
    assert.include(watchScreen(watch.feed({ kind: "tick" }).model)[1]!.text, "asked 17s ago, 1m43s left")
  })
})
