import { assert, describe, it } from "@effect/vitest"
import { type ApproverName, type ApproveTable, standardApprove } from "@gripgate/policy/policy"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Approver } from "../../src/approve/approver.ts"
import { type Asking, makeDesk } from "../../src/approve/desk.ts"
import type { Answer } from "../../src/approve/question.ts"
import { MAX_OPEN } from "../../src/approve/turns.ts"
import { recordingLog } from "../support/recording-log.ts"
import { asking, no, scripted, yes } from "./questions.ts"

const T = 120_000

const deskWith = (approvers: ReadonlyArray<Approver>, table: Partial<ApproveTable> = {}) => {
  const { layer, lines } = recordingLog()
  const policy = { ...standardApprove, ...table }
  const named = new Map(approvers.map((approver) => [approver.name as ApproverName, approver]))
  return Effect.map(
    Effect.provide(makeDesk({ policy: () => policy, approvers: named }), layer),
    (desk) => ({ desk, lines })
  )
}

/** Asks in the background, and comes back when the question is where it goes. */
const asked = (desk: Effect.Success<ReturnType<typeof deskWith>>["desk"], one: Asking) =>
  Effect.tap(Effect.forkChild(desk.ask(one)), () => Effect.yieldNow)

const settled = Effect.forEach([1, 2, 3, 4, 5], () => Effect.yieldNow, { discard: true })

describe("a desk", () => {
  it.effect("takes the first answer, and withdraws the question everywhere else", () =>
    Effect.gen(function*() {
      const [one, other] = [scripted("pinentry"), scripted("notification")]
      const { desk } = yield* deskWith([one.approver, { ...other.approver, name: "pinentry2" }])
      const mine = asking()
      const fiber = yield* asked(desk, mine.asking)
      yield* settled
      assert.lengthOf(one.asked, 1)
      const { id } = one.asked[0]!.question
      assert.deepStrictEqual(desk.standing().map(({ question }) => question.id), [id])
      const answered = yield* desk.answer(id, { ...yes(60_000, "approve"), by: { through: "approve", uid: 1000 } })
      assert.strictEqual(answered.id, id)
      const ended = yield* Fiber.join(fiber)
      assert.deepStrictEqual(ended, { kind: "yes", good: 60_000, by: { through: "approve", uid: 1000 } })
      assert.deepStrictEqual(mine.kept, [ended])
      yield* settled
      assert.strictEqual(one.withdrawn(), 1)
      assert.deepStrictEqual(desk.standing(), [])
      assert.strictEqual(mine.listeners.size, 0)
      assert.strictEqual(yield* Effect.flip(desk.answer(id, no())), `${id} has ended already: yes, by approve`)
      assert.strictEqual(yield* Effect.flip(desk.answer("ZZZZ", no())), "there is no question ZZZZ")
    }).pipe(Effect.scoped))

  it.effect("gives the owner his time from when he can see the question, and then says that there was no answer", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver])
      const fiber = yield* asked(desk, asking().asking)
      yield* settled
      // in line behind another dialog
      yield* TestClock.adjust(10 * T)
      assert.isUndefined(fiber.pollUnsafe())
      assert.isUndefined(desk.standing()[0]!.endsAt)
      dialog.asked[0]!.shown()
      yield* settled
      assert.strictEqual(desk.standing()[0]!.endsAt, 11 * T)
      yield* TestClock.adjust(T - 1)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), { kind: "timeout" })
      yield* settled
      assert.strictEqual(dialog.withdrawn(), 1)
    }).pipe(Effect.scoped))

  it.effect("waits for the terminal where no dialog can be had, and tells the desktop then", () =>
    Effect.gen(function*() {
      const [dialog, bell] = [scripted("pinentry"), scripted("notification")]
      const { desk } = yield* deskWith([dialog.approver, bell.approver])
      const fiber = yield* asked(desk, asking().asking)
      yield* settled
      assert.lengthOf(bell.asked, 0)
      yield* Deferred.succeed(dialog.asked[0]!.answer, { kind: "unavailable", reason: "no display" })
      yield* settled
      assert.lengthOf(bell.asked, 1)
      yield* Deferred.succeed(bell.asked[0]!.answer, { kind: "unavailable", reason: "it only tells" })
      yield* settled
      assert.strictEqual(desk.standing()[0]!.endsAt, T)
      yield* TestClock.adjust(T)
      assert.deepStrictEqual(yield* Fiber.join(fiber), { kind: "timeout" })
    }).pipe(Effect.scoped))

  it.effect("says no at once where nobody can be asked, and why", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver], { approvers: ["pinentry"] })
      const fiber = yield* asked(desk, asking().asking)
      yield* settled
      yield* Deferred.succeed(dialog.asked[0]!.answer, {
        kind: "unavailable",
        reason: "/usr/bin/pinentry: it is not there"
      })
      assert.deepStrictEqual(yield* Fiber.join(fiber), {
        kind: "unavailable",
        reason: "pinentry: /usr/bin/pinentry: it is not there"
      })
      const none = yield* deskWith([], { approvers: [] })
      assert.deepStrictEqual(yield* none.desk.ask(asking().asking), {
        kind: "unavailable",
        reason: "[approve] names nobody who could answer"
      })
    }).pipe(Effect.scoped))

  it.effect("is not answered at a terminal that the policy does not list", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver], { approvers: ["pinentry"] })
      yield* asked(desk, asking().asking)
      yield* settled
      assert.strictEqual(
        yield* Effect.flip(desk.answer(dialog.asked[0]!.question.id, yes())),
        "questions are not answered at a terminal: [approve] approvers does not list it"
      )
    }).pipe(Effect.scoped))

  it.effect("asks one after the other where the policy says so, each with the whole time", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver], { approvers: ["terminal", "pinentry"], inTurn: true })
      const fiber = yield* asked(desk, asking().asking)
      yield* settled
      assert.lengthOf(dialog.asked, 0)
      yield* TestClock.adjust(T)
      yield* settled
      assert.lengthOf(dialog.asked, 1)
      yield* Deferred.succeed(dialog.asked[0]!.answer, yes())
      assert.deepStrictEqual(yield* Fiber.join(fiber), yes())
    }).pipe(Effect.scoped))

  it.effect("takes only what was offered", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const fiber = yield* asked(desk, asking("app git", { offers: { always: false } }).asking)
      yield* settled
      const { id } = desk.standing()[0]!.question
      const always = "is not offered for this question: it can be answered for this once"
      assert.strictEqual(yield* Effect.flip(desk.answer(id, yes("always"))), `always ${always}`)
      assert.strictEqual(yield* Effect.flip(desk.answer(id, { ...no(), good: "always" })), `never ${always}`)
      assert.strictEqual(yield* Effect.flip(desk.answer(id, yes(1000))), `a yes for a while ${always}`)
      assert.strictEqual(
        yield* Effect.flip(desk.answer(id, { ...no(), good: 1000 })),
        "a no is good for this once, or for ever"
      )
      yield* desk.answer(id, no())
      assert.deepStrictEqual(yield* Fiber.join(fiber), no())
    }).pipe(Effect.scoped))

  it.effect("lets an answer hold for this once only where it cannot be written down, and says so", () =>
    Effect.gen(function*() {
      const { desk, lines } = yield* deskWith([])
      const broken = { ...asking().asking, keep: () => Effect.fail("the disk is full") }
      const fiber = yield* asked(desk, broken)
      yield* settled
      const { id } = desk.standing()[0]!.question
      assert.strictEqual(yield* Effect.flip(desk.answer(id, yes("always", "approve"))), "the disk is full")
      assert.deepStrictEqual(yield* Fiber.join(fiber), yes("once", "approve"))
      assert.include(lines.join("\n"), "the disk is full")
    }).pipe(Effect.scoped))

  it.effect("withdraws a question whose client is gone, also while it waits in line", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver])
      const all = Array.from({ length: MAX_OPEN + 1 }, () => asking())
      const fibers = yield* Effect.forEach(all, (one) => asked(desk, one.asking))
      yield* settled
      assert.lengthOf(dialog.asked, MAX_OPEN)
      assert.deepStrictEqual(desk.standing().map(({ state }) => state), ["open", "open", "open", "waiting"])
      const last = desk.standing()[MAX_OPEN]!.question.id
      assert.strictEqual(
        yield* Effect.flip(desk.answer(last, yes())),
        `${last} waits in line, and has not been put yet`
      )
      all[MAX_OPEN]!.lose()
      assert.deepStrictEqual(yield* Fiber.join(fibers[MAX_OPEN]!), { kind: "withdrawn" })
      all[0]!.lose()
      assert.deepStrictEqual(yield* Fiber.join(fibers[0]!), { kind: "withdrawn" })
      yield* settled
      assert.strictEqual(dialog.withdrawn(), 1)
      assert.lengthOf(desk.standing(), 2)
    }).pipe(Effect.scoped))

  it.effect("puts those in line in their order, each once", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const count = 50
      const fibers = yield* Effect.forEach(Array.from({ length: count }), () => asked(desk, asking().asking))
      const order: Array<string> = []
      for (let i = 0; i < count; i++) {
        yield* settled
        const open = desk.standing().filter(({ state }) => state === "open")
        assert.isAtMost(open.length, MAX_OPEN)
        order.push(open[0]!.question.id)
        yield* desk.answer(open[0]!.question.id, yes())
      }
      const ended = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(ended, Array(count).fill(yes()))
      assert.strictEqual(new Set(order).size, count)
      const byTime = desk.decided().toReversed().map(({ question }) => question.id)
      assert.deepStrictEqual(byTime, order)
    }).pipe(Effect.scoped))

  it.effect("pauses for an asker that is not answered, with all that he has in line, and not for others", () =>
    Effect.gen(function*() {
      const { desk, lines } = yield* deskWith([])
      const bad = Array.from({ length: 6 }, () => asking("app bad"))
      const fibers = yield* Effect.forEach(bad, (one) => asked(desk, one.asking))
      const other = yield* asked(desk, asking("app good").asking)
      yield* settled
      yield* TestClock.adjust(T)
      const ended = yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      const until = T + standardApprove.pause
      assert.deepStrictEqual(ended.map(({ kind }) => kind), ["timeout", "timeout", ...Array(4).fill("paused")])
      // the fourth was put when the first had ended, and no other after that
      assert.deepStrictEqual(bad.map((one) => one.question() !== undefined), [true, true, true, true, false, false])
      assert.deepStrictEqual(yield* desk.ask(asking("app bad").asking), { kind: "paused", until })
      assert.deepStrictEqual(desk.paused(), [{ asker: "app bad", until }])
      assert.include(lines.join("\n"), "nobody is asked for app bad for 300 s")
      assert.deepStrictEqual(yield* Fiber.join(other), { kind: "timeout" })
      yield* TestClock.adjust(standardApprove.pause)
      yield* asked(desk, asking("app bad").asking)
      yield* settled
      assert.lengthOf(desk.standing(), 1)
    }).pipe(Effect.scoped))

  it.effect("counts a question that was seen and taken back as one without an answer", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      for (let i = 0; i < 2; i++) {
        const one = asking("app flash")
        yield* asked(desk, one.asking)
        yield* settled
        one.lose()
      }
      assert.lengthOf(desk.paused(), 1)
    }).pipe(Effect.scoped))

  it.effect("ends a question that a grant answers by the way", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      let covered = false
      const by = yes("once", "grant H2RW")
      const second = { ...asking().asking, covered: () => covered ? by : undefined }
      const first = asking()
      const keeps = { ...first.asking, keep: () => Effect.sync(() => void (covered = true)) }
      yield* asked(desk, keeps)
      const fiber = yield* asked(desk, second)
      yield* settled
      yield* desk.answer(desk.standing()[0]!.question.id, yes(60_000, "approve"))
      assert.deepStrictEqual(yield* Fiber.join(fiber), by)
    }).pipe(Effect.scoped))

  it.effect("puts none in line that is about to end, nor any twice, whatever ends it", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      for (const how of ["close", "reconsider", "no way to ask"] as const) {
        dialog.asked.length = 0
        const table = { ...standardApprove }
        const approvers = new Map([["pinentry" as const, dialog.approver]])
        const desk = yield* Effect.provide(makeDesk({ policy: () => table, approvers }), recordingLog().layer)
        let covered: Answer | undefined
        const all = Array.from({ length: 30 }, () => ({ ...asking().asking, covered: () => covered }))
        const fibers = yield* Effect.forEach(all, (one) => asked(desk, one))
        yield* settled
        if (how === "close") desk.close()
        else if (how === "reconsider") {
          covered = yes("once", "grant H2RW")
          desk.reconsider()
        } else {
          Object.assign(table, { approvers: [] })
          for (const { answer } of dialog.asked) yield* Deferred.succeed(answer, yes())
        }
        yield* settled
        assert.lengthOf(dialog.asked, MAX_OPEN, how)
        assert.deepStrictEqual(desk.standing(), [], how)
        const ids = desk.decided().map(({ question }) => question.id)
        assert.strictEqual(new Set(ids).size, 30, how)
        assert.lengthOf(ids, 30, how)
        yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      }
    }).pipe(Effect.scoped))

  it.effect("does not count what a grant answers as the owner's presence", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const unanswered = Effect.gen(function*() {
        yield* asked(desk, asking("app busy").asking)
        yield* settled
        yield* TestClock.adjust(T)
      })
      yield* unanswered
      const given: { by?: Answer } = {}
      yield* asked(desk, { ...asking("app busy").asking, covered: () => given.by })
      yield* settled
      given.by = { ...yes("once", "grant H2RW"), grant: "H2RW" }
      desk.reconsider()
      yield* unanswered
      assert.lengthOf(desk.paused(), 1)
    }).pipe(Effect.scoped))

  it.effect("does not let the owner's time run while something else has the place of the dialog", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver])
      const fiber = yield* asked(desk, asking().asking)
      yield* settled
      const [{ hidden, shown }] = dialog.asked as [(typeof dialog.asked)[0]]
      shown()
      yield* settled
      yield* TestClock.adjust(T / 2)
      hidden()
      yield* TestClock.adjust(3 * T)
      assert.isUndefined(fiber.pollUnsafe())
      shown()
      assert.strictEqual(desk.standing()[0]!.endsAt, 4 * T)
      yield* TestClock.adjust(T / 2 - 1)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), { kind: "timeout" })
    }).pipe(Effect.scoped))

  it.effect("tells whoever watches when the owner's time begins", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver])
      yield* asked(desk, asking().asking)
      yield* settled
      let changes = 0
      desk.watch(() => changes++)
      dialog.asked[0]!.shown()
      yield* settled
      assert.strictEqual(changes, 1)
    }).pipe(Effect.scoped))

  it.effect("takes one of two answers that come at once, and writes down one", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const writing = Deferred.makeUnsafe<void>()
      const kept: Array<Answer> = []
      const slow = {
        ...asking().asking,
        keep: (answer: Answer) => Effect.andThen(Effect.sync(() => void kept.push(answer)), Deferred.await(writing))
      }
      const fiber = yield* asked(desk, slow)
      yield* settled
      const { id } = desk.standing()[0]!.question
      const first = yield* Effect.forkChild(desk.answer(id, yes("always", "approve")))
      yield* settled
      assert.strictEqual(
        yield* Effect.flip(desk.answer(id, no("deny"))),
        "somebody else answers this question at this moment"
      )
      yield* Deferred.succeed(writing, undefined)
      yield* Fiber.join(first)
      assert.deepStrictEqual(yield* Fiber.join(fiber), yes("always", "approve"))
      assert.lengthOf(kept, 1)
    }).pipe(Effect.scoped))

  it.effect("goes to nobody else while an answer is written down, also where they come in turn", () =>
    Effect.gen(function*() {
      const dialog = scripted("pinentry")
      const { desk } = yield* deskWith([dialog.approver], { approvers: ["terminal", "pinentry"], inTurn: true })
      const writing = Deferred.makeUnsafe<void>()
      const fiber = yield* asked(desk, { ...asking().asking, keep: () => Deferred.await(writing) })
      yield* settled
      yield* TestClock.adjust(T - 1)
      yield* Effect.forkChild(desk.answer(desk.standing()[0]!.question.id, yes("always")))
      yield* settled
      yield* TestClock.adjust(T)
      yield* settled
      assert.lengthOf(dialog.asked, 0)
      yield* Deferred.succeed(writing, undefined)
      assert.strictEqual((yield* Fiber.join(fiber)).kind, "yes")
    }).pipe(Effect.scoped))

  it.effect("says no to all when the gate stops, and to all that come later", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const fibers = yield* Effect.forEach(Array.from({ length: 5 }), () => asked(desk, asking().asking))
      yield* settled
      desk.close()
      for (const fiber of fibers) assert.deepStrictEqual(yield* Fiber.join(fiber), { kind: "stopped" })
      assert.deepStrictEqual(yield* desk.ask(asking().asking), { kind: "stopped" })
    }).pipe(Effect.scoped))

  it.effect("takes one answer only, also while that is being written down", () =>
    Effect.gen(function*() {
      const { desk } = yield* deskWith([])
      const written = Deferred.makeUnsafe<void>()
      const slow = { ...asking().asking, keep: () => Deferred.await(written) }
      const fiber = yield* asked(desk, slow)
      yield* settled
      const { id } = desk.standing()[0]!.question
      const first = yield* Effect.forkChild(desk.answer(id, yes("always", "approve")))
      yield* settled
      assert.strictEqual(
        yield* Effect.flip(desk.answer(id, no())),
        "somebody else answers this question at this moment"
      )
      // nor does the time that is up meanwhile
      yield* TestClock.adjust(T)
      assert.isUndefined(fiber.pollUnsafe())
      yield* Deferred.succeed(written, undefined)
      assert.deepStrictEqual(yield* Fiber.join(fiber), yes("always", "approve"))
      yield* Fiber.join(first)
    }).pipe(Effect.scoped))
})
