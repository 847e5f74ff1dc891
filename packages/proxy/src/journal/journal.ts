// The record of decisions: each use of a key, each refusal, each breach of the protocol, each step in a grant's life. Never
// data. Here is what the gate tells it, and the lines that it writes to the log; the journal on disk is in open-journal.ts.
import { describeIdentity, viaText } from "@gripgate/policy/client/describe"
import type { Identity } from "@gripgate/policy/client/identify"
import { harmless } from "@gripgate/policy/harmless"
import type { Entry } from "@gripgate/policy/policy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type By, describeEnded, type Ended, type Question } from "../approve/question.ts"
import type { Refusal, Use } from "../authority/authority.ts"
import type { Step, StepAbout } from "../grant/step.ts"
import type { Facts } from "../listen/facts.ts"
import { LogService, type Priority } from "../log.ts"
import type { Intent } from "./intent.ts"
import { entryText } from "./record.ts"
import { Repeats } from "./repeats.ts"

export class Journal extends Context.Service<Journal, {
  /** A client has connected. */
  readonly connected: (app: string | undefined, facts: Facts, identity: Identity) => void
  /** A question lies open before the owner. */
  readonly asked: (use: Use, question: Question) => void
  /** How a question ended, and after how many milliseconds. */
  readonly answered: (question: Question, ended: Ended, after: number) => void
  /**
   * A use that was permitted, the entry that did, and the grants that satisfied it. What has to be durable before its answer
   * is released; `undefined` where nothing has: for what only looks, and where there is no journal on disk.
   */
  readonly allowed: (use: Use, by: Entry, grants?: ReadonlyArray<string>) => Intent | undefined
  /** `by` is the entry that decided, where one did. */
  readonly refused: (use: Use, refusal: Refusal, by?: Entry) => void
  /** A line that is refused before anybody is asked, for it cannot be parsed or is never sent. */
  readonly rejected: (app: string | undefined, facts: Facts, command: string, reason: string) => void
  /** Refusals of either kind since the start. */
  readonly refusals: () => number
  /** A command that was sent to the agent and got no answer. */
  readonly unanswered: (app: string | undefined, facts: Facts, command: string, reason: string) => void
  /** A session that was ended because its client broke the rules. */
  readonly violation: (app: string | undefined, facts: Facts, reason: string) => void
  /** A session that was ended by a mistake of this program. */
  readonly bug: (app: string | undefined, facts: Facts, what: string) => void
  /** The policy has been read anew; `file` is absent for one that is built in. */
  readonly policyRead: (file: string | undefined) => void
  /**
   * A step in a grant's life, durable when this is done, and noticed if it were cut off; fails with a sentence. `at` is the
   * number of its record in the grants' ledger, absent for a grant in memory.
   */
  readonly step: (step: Step, grant: StepAbout, by: By, at?: number) => Effect.Effect<void, string>
  /** The highest number of a record of the grants' ledger that the journal on disk knows of; 0 for none. */
  readonly grantsAt: () => number
  /** How the grants' ledger began: another text for each time when it began anew, absent where it never did. */
  readonly grantsBegan: () => string | undefined
  /**
   * The grants' ledger has so many records, more than were known: a crash came in between. Durable when this is done; where it
   * cannot be written the log says so.
   */
  readonly grantsFound: (count: number) => Effect.Effect<void>
  /** The grants' ledger begins anew: what was known of it counts no more. Durable when this is done; fails with a sentence. */
  readonly grantsAnew: Effect.Effect<void, string>
}>()("gripgate/proxy/Journal") {
  /** Writes lines to the log, and nothing to disk. */
  static readonly log: Layer.Layer<Journal, never, LogService> = Layer.effect(
    Journal,
    Effect.suspend(() => journalLines)
  )
}

/** The journal's lines in the log. */
export const journalLines: Effect.Effect<Journal["Service"], never, LogService> = Effect.gen(function*() {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const repeats = new Repeats(() => clock.currentTimeMillisUnsafe())
  let refusals = 0
  /** One line for what a client brings about, unless there were too many. */
  const tell = (text: string, priority: Priority = 5): void => {
    const dropped = repeats.admit()
    if (dropped === undefined) return
    if (dropped > 0) log.write(5, `${dropped} more lines like the next were left out`)
    log.write(priority, text)
  }
  return {
    refusals: () => refusals,
    connected: (app, facts, identity) => {
      // who could be several is nobody, and somebody should know why nothing works
      const priority: Priority = identity.kind === "nobody" ? 4 : 7
      if (priority > log.level) return
      const text = `connected: ${who(app, facts)}, ${describeIdentity(identity)}`
      if (priority === 7) log.write(7, text)
      else tell(text, priority)
    },
    // these are few, and none of them is lost among refusals
    asked: (use, question) => log.write(5, `asked ${question.id}: ${describe(use)}`),
    answered: ({ id }, ended, after) =>
      log.write(5, `answered ${id}: ${describeEnded(ended)}, after ${(after / 1000).toFixed(1)} s`),
    allowed: (use, by, grants = []) => {
      const priority: Priority = onlyLists(use) ? 7 : 6
      if (priority > log.level) return undefined
      const granted = grants.length === 0 ? "" : `, granted by ${grants.join(" and ")}`
      log.write(priority, `allowed ${describe(use)}: ${entryText(by)}${granted}`)
      return undefined
    },
    refused: (use, refusal) => {
      refusals++
      if (5 <= log.level) tell(`refused ${describe(use)}: ${refusal.reason}`)
    },
    rejected: (app, facts, command, reason) => {
      refusals++
      if (5 <= log.level) tell(`refused ${command === "" ? "a line" : command} of ${who(app, facts)}: ${reason}`)
    },
    unanswered: (app, facts, command, reason) => tell(`no answer to ${command} of ${who(app, facts)}: ${reason}`, 4),
    bug: (app, facts, what) => log.write(3, `bug: a session of ${who(app, facts)} ended: ${what}`),
    violation: (app, facts, reason) => tell(`closed a session of ${who(app, facts)}: ${reason}`, 4),
    // whoever reads it says so
    policyRead: () => {},
    step: () => Effect.void,
    grantsAt: () => 0,
    grantsBegan: () => undefined,
    grantsFound: () => Effect.void,
    grantsAnew: Effect.void
  }
})

const who = (app: string | undefined, facts: Facts): string => {
  const program = facts.via === undefined ? facts.program ?? facts.exe : viaText(facts)
  const by = program === undefined ? "" : `, ${harmless(program)}`
  return `${app === undefined ? "anyone" : `app ${app}`} (session ${facts.session}${by})`
}

/** Whether a use only looks: that is not worth a record, nor a line to most people. */
export const onlyLists = (use: Use): boolean => use.operations.every((operation) => operation === "list")

const describe = (use: Use): string => {
  const key = use.keygrips.length === 0 ? "" : ` with key ${use.keygrips.join(" ")}`
  return `${use.operations.join(" + ")}${key} to ${who(use.app, use.facts)} by ${use.command}`
}
