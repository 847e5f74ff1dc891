// Where questions lie until the owner has answered: put before him by every approver that the policy names, the first answer
// wins and the others are withdrawn. Its border: what a question is about, and what a yes is good for, is the authority's.
import type { ApproverName, ApproveTable } from "@gripgate/policy/policy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { LogService } from "../log.ts"
import { ShortIds } from "../short-id.ts"
import type { Approver } from "./approver.ts"
import { OpenQuestion } from "./open-question.ts"
import { type Answer, describeEnded, type Draft, type Ended, type Question } from "./question.ts"
import { type Ending, Turns } from "./turns.ts"

/** What is to be asked, and what becomes of the answer. */
export interface Asking {
  /** See asker.ts: whose questions are counted together. */
  readonly asker: string
  readonly draft: Draft
  /** The question lies open now. */
  readonly opened: (question: Question) => void
  /** Whether the question has been answered by the way: by a grant that was made for another. */
  readonly covered: () => Answer | undefined
  /** Writes down what an answer is good for beyond this once; fails with a sentence for the owner. */
  readonly keep: (answer: Answer) => Effect.Effect<void, string>
  /** Calls back when nobody waits for the answer any more; what comes back stops that. */
  readonly whenLost: (listener: () => void) => () => void
}

/** A question that has ended, for those who look back. */
export interface Decision {
  readonly question: Question
  readonly ended: Ended
  readonly at: number
}

/** A question that is open, or waits in line because its asker has too many. */
export interface Standing {
  readonly question: Question
  readonly state: "open" | "waiting"
  /** When it ends without an answer, in milliseconds of the clock; absent where the owner's time has not begun. */
  readonly endsAt?: number
}

export interface DeskSettings {
  readonly policy: () => ApproveTable
  /** Approvers by their name; the terminal is the desk itself, by way of `answer`. */
  readonly approvers: ReadonlyMap<ApproverName, Approver>
}

export class Desk extends Context.Service<Desk, {
  /** Puts a question and waits for its end. Interrupted, it is withdrawn. */
  readonly ask: (asking: Asking) => Effect.Effect<Ended>
  /** Answers a question from a terminal; fails with a sentence that says why it cannot be answered, or so. */
  readonly answer: (id: string, answer: Answer) => Effect.Effect<Question, string>
  /** Questions in the order in which they were asked. */
  readonly standing: () => ReadonlyArray<Standing>
  /** What was decided last, the newest first. */
  readonly decided: () => ReadonlyArray<Decision>
  readonly paused: () => ReadonlyArray<{ readonly asker: string; readonly until: number }>
  /** Looks again whether grants answer what is asked. */
  readonly reconsider: () => void
  /** Calls back at every change; what comes back stops that. */
  readonly watch: (listener: () => void) => () => void
  /** The gate stops: every question ends, and none is put any more. */
  readonly close: () => void
}>()("gripgate/proxy/Desk") {}

/** Decisions that are looked back on. */
const MAX_DECIDED = 100

const endings: Record<Ended["kind"], Ending> = {
  yes: "yes",
  no: "no",
  timeout: "unanswered",
  withdrawn: "unanswered",
  unavailable: "unseen",
  paused: "unseen",
  stopped: "unseen"
}

/** A desk; questions that are open when the scope closes have been ended by `close` before. */
export const makeDesk = Effect.fnUntraced(function*(
  settings: DeskSettings
): Effect.fn.Return<Desk["Service"], never, Scope.Scope | LogService> {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const run = yield* FiberSet.makeRuntime<never, unknown, unknown>()
  const ids = new ShortIds()
  const turns = new Turns(now)
  const open = new Map<string, OpenQuestion>()
  let waiting: Array<OpenQuestion> = []
  const decided: Array<Decision> = []
  const listeners = new Set<() => void>()
  const changed = (): void => listeners.forEach((listener) => listener())
  let closed = false
  let putting = false

  const put = (question: OpenQuestion): void => {
    open.set(question.question.id, question)
    turns.opened(question.asking.asker)
    question.asking.opened(question.question)
    question.start(settings.policy(), settings.approvers)
    changed()
  }

  /** Those whose turn has come. A question may end while it is put, and then this goes on with the next. */
  const putWaiting = (): void => {
    if (putting || closed) return
    putting = true
    try {
      for (;;) {
        const next = waiting.find(({ asking: { asker } }) =>
          turns.hasRoom(asker) && turns.pausedUntil(asker) === undefined
        )
        if (next === undefined) return
        next.look()
        if (!waiting.includes(next)) continue
        waiting = waiting.filter((other) => other !== next)
        put(next)
      }
    } finally {
      putting = false
    }
  }

  /** Those that wait come first: none of them is put because one before it ends. */
  const each = (): ReadonlyArray<OpenQuestion> => [...waiting, ...open.values()]

  const ended = (question: OpenQuestion, how: Ended): void => {
    const { asking: { asker } } = question
    const wasOpen = open.delete(question.question.id)
    if (!wasOpen) waiting = waiting.filter((other) => other !== question)
    decided.unshift({ question: question.question, ended: how, at: now() })
    decided.length = Math.min(decided.length, MAX_DECIDED)
    if (wasOpen) {
      const unseen = how.kind === "withdrawn" ? !question.seen : "grant" in how
      const ending = unseen ? "unseen" : endings[how.kind]
      const { pause } = settings.policy()
      if (turns.ended(asker, ending, pause)) beginPause(asker, now() + pause)
    }
    putWaiting()
    changed()
  }

  const beginPause = (asker: string, until: number): void => {
    log.write(
      4,
      `nobody is asked for ${asker} for ${Math.round((until - now()) / 1000)} s: too many questions without a yes`
    )
    for (const question of each()) {
      if (question.asking.asker === asker) question.end({ kind: "paused", until })
    }
  }

  const ask = (asking: Asking): Effect.Effect<Ended> =>
    Effect.callback<Ended>((resume) => {
      if (closed) return resume(Effect.succeed({ kind: "stopped" }))
      const until = turns.pausedUntil(asking.asker)
      if (until !== undefined) return resume(Effect.succeed({ kind: "paused", until }))
      const question = new OpenQuestion(asking, { ...asking.draft, id: ids.next(), askedAt: now() }, {
        run,
        now,
        log,
        ended: (how) => {
          forget()
          ended(question, how)
          resume(Effect.succeed(how))
        },
        reconsider,
        changed
      })
      const forget = asking.whenLost(() => question.end({ kind: "withdrawn" }))
      if (turns.hasRoom(asking.asker)) put(question)
      else {
        waiting.push(question)
        changed()
      }
      return Effect.sync(() => question.end({ kind: "withdrawn" }))
    })

  const reconsider = (): void => {
    for (const question of each()) question.look()
  }

  const answer = (id: string, given: Answer): Effect.Effect<Question, string> =>
    Effect.suspend(() => {
      const question = open.get(id)
      if (question === undefined) return Effect.fail(whyUnknown(id))
      const problem = settings.policy().approvers.includes("terminal")
        ? question.problemWith(given)
        : "questions are not answered at a terminal: [approve] approvers does not list it"
      if (problem !== undefined) return Effect.fail(problem)
      return Effect.flatMap(
        question.settle(given),
        (kept) => Result.isFailure(kept) ? Effect.fail(kept.failure) : Effect.succeed(question.question)
      )
    })

  const whyUnknown = (id: string): string => {
    if (waiting.some(({ question }) => question.id === id)) return `${id} waits in line, and has not been put yet`
    const before = decided.find(({ question }) => question.id === id)
    if (before === undefined) return `there is no question ${id}`
    return `${id} has ended already: ${describeEnded(before.ended)}`
  }

  return {
    ask,
    answer,
    standing: () =>
      [
        ...[...open.values()].map((each) => each.standing),
        ...waiting.map(({ question }) => ({
          question,
          state: "waiting" as const
        }))
      ].toSorted((a, b) => a.question.askedAt - b.question.askedAt),
    decided: () => decided,
    paused: () => turns.paused,
    reconsider,
    watch: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => {
      closed = true
      for (const question of each()) question.end({ kind: "stopped" })
    }
  }
})
