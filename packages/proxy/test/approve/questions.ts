// Questions of tests, and approvers that are told what to say.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Approver } from "../../src/approve/approver.ts"
import type { Asking } from "../../src/approve/desk.ts"
import type { Answer, Asked, Draft, Question } from "../../src/approve/question.ts"

export const draft = (more: Partial<Draft> = {}): Draft => ({
  subject: {
    app: "git",
    how: "user alice (1000), /usr/bin/git",
    operations: ["sign"],
    command: "PKSIGN",
    keys: [{ keygrip: parseKeygrip("A".repeat(40))!, capabilities: new Set(["sign"]) }]
  },
  operation: "sign",
  client: { recognised: "advisory", uid: 1000 },
  why: "[apps.git] sign = \"ask\"",
  offers: { while: 900_000, always: true },
  ...more
})

/** An asking of this asker; `lost` lets it go, `kept` is what was written down. */
export const asking = (asker = "app git", more: Partial<Draft> = {}) => {
  const kept: Array<Answer> = []
  const listeners = new Set<() => void>()
  let opened: Question | undefined
  const made: Asking = {
    asker,
    draft: draft(more),
    opened: (question) => {
      opened = question
    },
    covered: () => undefined,
    keep: (answer) => Effect.sync(() => void kept.push(answer)),
    whenLost: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    }
  }
  return {
    asking: made,
    kept,
    lose: () => [...listeners].forEach((listener) => listener()),
    listeners,
    question: () => opened
  }
}

export const yes = (good: Answer["good"] = "once", through = "pinentry"): Answer => ({
  kind: "yes",
  good,
  by: { through }
})

export const no = (through = "pinentry"): Answer => ({ kind: "no", good: "once", by: { through } })

/** An approver that shows questions and says what it is told to, each question by its turn. */
export const scripted = (name: string) => {
  const asked: Array<
    {
      readonly question: Question
      readonly shown: () => void
      readonly hidden: () => void
      readonly answer: Deferred.Deferred<Asked>
    }
  > = []
  let withdrawn = 0
  const approver: Approver = {
    name,
    ask: (question, shown, hidden) =>
      Effect.suspend(() => {
        const answer = Deferred.makeUnsafe<Asked>()
        asked.push({ question, shown, hidden, answer })
        return Deferred.await(answer)
      }).pipe(Effect.onInterrupt(() => Effect.sync(() => withdrawn++)))
  }
  return { approver, asked, withdrawn: () => withdrawn }
}
