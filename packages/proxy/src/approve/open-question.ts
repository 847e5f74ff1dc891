// One question that lies open: its approvers at work, the owner's time, and its one end.
import type { ApproverName, ApproveTable } from "@gripgate/policy/policy"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type { Log } from "../log.ts"
import type { Approver } from "./approver.ts"
import type { Asking, Standing } from "./desk.ts"
import type { Answer, Asked, Ended, Question } from "./question.ts"

/** What a question needs of its desk. */
export interface Surroundings {
  readonly run: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  readonly now: () => number
  readonly log: Log
  /** Called once. */
  readonly ended: (how: Ended) => void
  readonly reconsider: () => void
  /** Something of it that is shown has changed. */
  readonly changed: () => void
}

/** Milliseconds after which a question that is hidden is looked at again. */
const HIDDEN_STEP = 100

const TWICE = "somebody else answers this question at this moment"

export class OpenQuestion {
  /** Whether the owner could see it. */
  seen = false
  readonly asking: Asking
  readonly question: Question
  private readonly around: Surroundings
  private readonly fibers: Array<Fiber.Fiber<unknown>> = []
  private endsAt: number | undefined
  /** Since when something else has its place before the owner, who is not to lose time by that. */
  private hiddenAt: number | undefined
  private over = false
  /** An answer has come and is being written down. */
  private settling = false
  /** Why approvers could not ask. */
  private readonly reasons: Array<string> = []
  private timedOut = false

  constructor(asking: Asking, question: Question, around: Surroundings) {
    this.asking = asking
    this.question = question
    this.around = around
  }

  get standing(): Standing {
    const { endsAt, question } = this
    return endsAt === undefined ? { question, state: "open" } : { question, state: "open", endsAt }
  }

  /** Puts the question before the owner, in the policy's way. */
  start(table: ApproveTable, approvers: ReadonlyMap<ApproverName, Approver>): void {
    this.fork(table.inTurn ? this.inTurn(table, approvers) : this.together(table, approvers))
  }

  /** Ends it if a grant answers it. */
  look(): void {
    const answer = this.settling ? undefined : this.asking.covered()
    if (answer !== undefined) this.end(answer)
  }

  /** Why an answer is none that was offered; `undefined` where it was. */
  problemWith({ good, kind }: Answer): string | undefined {
    const { always, while: time } = this.question.offers
    if (this.settling || this.over) return TWICE
    if (kind === "no" && typeof good === "number") return "a no is good for this once, or for ever"
    if (good === "always" && !always) {
      const word = kind === "yes" ? "always" : "never"
      return `${word} is not offered for this question: it can be answered for this once`
        + (kind === "yes" && time !== undefined ? ", or for a while" : "")
    }
    return typeof good === "number" && time === undefined
      ? "a yes for a while is not offered for this question: it can be answered for this once"
      : undefined
  }

  /** Takes an answer: it is written down first. A failure says what could not be kept, and the answer holds for this once. */
  settle(answer: Answer): Effect.Effect<Result.Result<void, string>> {
    // whoever brings an answer may be gone before it is written
    return Effect.uninterruptible(Effect.suspend(() => {
      if (this.settling || this.over) return Effect.succeed(Result.fail(TWICE))
      this.settling = true
      return Effect.map(Effect.result(this.asking.keep(answer)), (kept) => {
        const held: Answer = Result.isFailure(kept) ? { ...answer, good: "once" } : answer
        if (Result.isFailure(kept)) this.around.log.write(3, kept.failure)
        this.end(held)
        if (answer.good !== "once") this.around.reconsider()
        return kept
      })
    }))
  }

  /** The one end; later ones are nothing. */
  end(how: Ended): void {
    if (this.over) return
    this.over = true
    for (const fiber of this.fibers) fiber.interruptUnsafe()
    this.around.ended(how)
  }

  /** All at once. What tells and cannot answer comes where no dialog does. */
  private together(table: ApproveTable, approvers: ReadonlyMap<ApproverName, Approver>): Effect.Effect<void> {
    const { terminal, notification, asking } = sortOut(table, approvers)
    const tell = notification === undefined ? Effect.void : this.askOne(notification)
    const nobody = Effect.suspend(() => terminal ? this.begin(table.timeout) : this.noAnswer())
    const each = asking.map((approver) => this.askOne(approver, () => this.fork(this.begin(table.timeout))))
    if (each.length === 0) return Effect.andThen(tell, nobody)
    return Effect.all(each, { concurrency: "unbounded" }).pipe(
      Effect.flatMap((all) => all.every((asked) => asked.kind === "unavailable") ? tell : Effect.void),
      Effect.andThen(nobody)
    )
  }

  /** One after the other, each with the whole time. */
  private inTurn(table: ApproveTable, approvers: ReadonlyMap<ApproverName, Approver>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      for (const name of table.approvers) {
        this.endsAt = undefined
        const approver = approvers.get(name)
        if (name === "terminal") {
          this.begun(table.timeout)
          yield* Effect.sleep(table.timeout)
          this.timedOut = true
          if (this.settling) return yield* Effect.never
        } else if (approver !== undefined) {
          const asked = yield* Effect.timeoutOption(
            this.askOne(approver, () => this.begun(table.timeout)),
            // beyond the time that it has by itself it can only be waiting for its turn
            table.timeout * 10
          )
          if (asked._tag === "None") this.timedOut = true
          if (this.settling) return yield* Effect.never
        }
      }
      yield* this.noAnswer()
    })
  }

  private askOne(approver: Approver, shown: () => void = () => {}): Effect.Effect<Asked> {
    return Effect.flatMap(
      approver.ask(
        this.question,
        () => {
          this.seen = true
          this.reappear()
          shown()
        },
        () => {
          if (this.endsAt !== undefined) this.hiddenAt ??= this.around.now()
        }
      ),
      (asked) => {
        this.reappear()
        switch (asked.kind) {
          case "timeout":
            this.timedOut = true
            break
          case "unavailable":
            this.reasons.push(`${approver.name}: ${asked.reason}`)
            break
          default:
            this.around.run(this.settle(asked))
            // its end interrupts this
            return Effect.never
        }
        return Effect.succeed(asked)
      }
    )
  }

  /** The owner's time runs, once. */
  private begin(timeout: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.endsAt !== undefined) return Effect.void
      this.begun(timeout)
      return Effect.andThen(this.timeIsUp(), Effect.sync(() => this.settling || this.end({ kind: "timeout" })))
    })
  }

  private begun(timeout: number): void {
    this.seen = true
    this.endsAt = this.around.now() + timeout
    this.around.changed()
  }

  /** Waits for the end of the owner's time, which stands still while the question is hidden. */
  private timeIsUp(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const left = (this.endsAt ?? 0) - (this.hiddenAt ?? this.around.now())
      if (left <= 0) return Effect.void
      return Effect.andThen(
        Effect.sleep(this.hiddenAt === undefined ? left : Math.max(left, HIDDEN_STEP)),
        this.timeIsUp()
      )
    })
  }

  private reappear(): void {
    if (this.hiddenAt === undefined || this.endsAt === undefined) return
    this.endsAt += this.around.now() - this.hiddenAt
    this.hiddenAt = undefined
    this.around.changed()
  }

  private noAnswer(): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.settling) return
      this.end(
        this.timedOut
          ? { kind: "timeout" }
          : { kind: "unavailable", reason: this.reasons.join("; ") || "[approve] names nobody who could answer" }
      )
    })
  }

  private fork(effect: Effect.Effect<unknown>): void {
    if (this.over) return
    const fiber = this.around.run(effect)
    // it may have ended the question before it first waited
    if (this.over) fiber.interruptUnsafe()
    else this.fibers.push(fiber)
  }
}

/** The approvers of a table: the terminal, which is no approver of its own, what only tells, and those that ask. */
const sortOut = (table: ApproveTable, approvers: ReadonlyMap<ApproverName, Approver>) => {
  const listed = table.approvers.flatMap((name) => approvers.get(name) ?? [])
  return {
    terminal: table.approvers.includes("terminal"),
    notification: listed.find(({ name }) => name === "notification"),
    asking: listed.filter(({ name }) => name !== "notification")
  }
}
