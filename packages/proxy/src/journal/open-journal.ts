// The journal on disk, in a ledger beside the grants': what was permitted is durable before its answer is released, and what
// came of it is written after. It writes the lines of the log too.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { KeyObject } from "node:crypto"
import { join } from "node:path"
import type { LedgerError } from "../ledger/ledger-error.ts"
import { openLedger } from "../ledger/ledger.ts"
import { LogService } from "../log.ts"
import { makeIntent } from "./intent.ts"
import { type Journal, journalLines, onlyLists } from "./journal.ts"
import {
  answerFields,
  clientFields,
  commandFields,
  entryFields,
  type JournalRecord,
  outcomeFields,
  reasonFields,
  stepFields,
  useFields
} from "./record.ts"
import { Thinned } from "./thinned.ts"

/** The ledger of the journal, in the state directory. */
export const JOURNAL = "journal.jsonl"

/** Bytes of one file of the journal, and how many older ones are kept: a start reads one of them, and all are 256 MiB. */
export const JOURNAL_BYTES = 2 * 1024 * 1024
export const JOURNAL_KEEP = 127

/** A cut at the end of the last so many milliseconds would not be noticed, unless it was a grant's step. */
const HEAD_WITHIN = 100

export interface JournalOptions {
  readonly state: string
  /** The key of the state directory. */
  readonly key: KeyObject
  /** The version that the gate says it is. */
  readonly version: string
  readonly bytes?: number
  readonly keep?: number
}

/** Opens the journal of a state directory, which this process has locked, for the scope. */
export const openJournal = Effect.fnUntraced(function*(
  { bytes = JOURNAL_BYTES, keep = JOURNAL_KEEP, key, state, version }: JournalOptions
): Effect.fn.Return<Journal["Service"], LedgerError, Scope.Scope | LogService> {
  const log = yield* LogService
  const clock = yield* Clock.Clock
  const lines = yield* journalLines
  let grantsAt = 0
  let grantsBegan: string | undefined
  const noteGrants = (at: unknown): void => {
    if (typeof at === "number") grantsAt = Math.max(grantsAt, at)
  }
  /** They began anew with this record. */
  const noteBegan = (n: number, at: number): void => {
    grantsAt = 0
    grantsBegan = `${n}.${at}`
  }
  const ledger = yield* openLedger<JournalRecord>({
    folder: state,
    name: JOURNAL,
    key,
    headWithin: HEAD_WITHIN,
    // only the gate writes here, and the chain says that nobody else did
    decode: (fields) => Result.succeed(fields as unknown as JournalRecord),
    replay: ({ at, n, record }) => {
      if (record.op === "grantsAnew") noteBegan(n, at)
      noteGrants(record.grantsAt)
    },
    rotate: {
      bytes,
      keep,
      carry: () => ({ grantsAt, ...grantsBegan !== undefined && { grantsBegan } }),
      carried: (value) => {
        const carried = value as { readonly grantsAt?: unknown; readonly grantsBegan?: string } | null | undefined
        noteGrants(carried?.grantsAt)
        grantsBegan = carried?.grantsBegan
      }
    }
  })
  let isFailing = false
  const settled = (result: number | LedgerError, record: JournalRecord): void => {
    if (typeof result === "number") {
      noteGrants(record.grantsAt)
      if (isFailing) log.write(5, `${join(state, JOURNAL)} is written again`)
      isFailing = false
      return
    }
    // once: it is tried again with every record
    if (!isFailing) log.write(3, `${result.message}; until it can be written, no key is used (${result.hint})`)
    isFailing = true
  }
  const write = (record: JournalRecord, done?: (written: boolean) => void): void =>
    // what nobody waits for is not in the way of what somebody does
    ledger.put(record, (result) => {
      settled(result, record)
      done?.(typeof result === "number")
    }, { later: done === undefined })
  /** One that waits for its head too. */
  const append = (
    record: JournalRecord,
    done: (n: number, at: number) => void = () => {}
  ): Effect.Effect<void, string> =>
    Effect.uninterruptible(Effect.matchEffect(ledger.append(record, { head: true }), {
      onSuccess: ({ at, n }) =>
        Effect.sync(() => {
          settled(n, record)
          done(n, at)
        }),
      onFailure: (error) => {
        settled(error, record)
        return Effect.fail(error.message)
      }
    }))
  const thinned = new Thinned({
    now: () => clock.currentTimeMillisUnsafe(),
    later: (run, milliseconds) => {
      const timer = setTimeout(run, milliseconds).unref()
      return () => clearTimeout(timer)
    },
    write: (record) => write(record)
  })
  // names of uses: the next record of the ledger is no other start's, and the rest counts within this one
  const run = ledger.position().n + 1
  let uses = 0

  write({ op: "started", version, pid: process.pid })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      thinned.flush()
      write({ op: "stopped", pid: process.pid })
    })
  )
  return {
    ...lines,
    grantsAt: () => grantsAt,
    allowed: (use, by, grants = []) => {
      lines.allowed(use, by, grants)
      if (onlyLists(use)) return undefined
      const name = `${run}.${++uses}`
      const intent = makeIntent((what, detail, at) =>
        write({ op: "outcome", ...outcomeFields(name, what, detail, at) })
      )
      write(
        { op: "allowed", use: name, ...useFields(use), ...entryFields(by), ...grants.length > 0 && { grants } },
        intent.settle
      )
      return intent
    },
    refused: (use, no, by) => {
      lines.refused(use, no, by)
      thinned.add({
        op: "refused",
        ...useFields(use),
        ...entryFields(by),
        error: no.error.value,
        ...reasonFields(no.reason)
      })
    },
    rejected: (app, facts, command, reason) => {
      lines.rejected(app, facts, command, reason)
      thinned.add({ op: "rejected", ...clientFields(app, facts), ...commandFields(command, reason) })
    },
    unanswered: (app, facts, command, reason) => {
      lines.unanswered(app, facts, command, reason)
      thinned.add({ op: "unanswered", ...clientFields(app, facts), ...commandFields(command, reason) })
    },
    violation: (app, facts, reason) => {
      lines.violation(app, facts, reason)
      thinned.add({ op: "violation", ...clientFields(app, facts), ...commandFields(undefined, reason) })
    },
    bug: (app, facts, what) => {
      lines.bug(app, facts, what)
      thinned.add({ op: "bug", ...clientFields(app, facts), ...reasonFields(what) })
    },
    asked: (use, question) => {
      lines.asked(use, question)
      write({ op: "asked", question: question.id, ...useFields(use), ...reasonFields(question.why) })
    },
    answered: (question, ended, after) => {
      lines.answered(question, ended, after)
      write({ op: "answered", ...answerFields(question.id, ended, after) })
    },
    policyRead: (file) => write({ op: "policy", file: file ?? null }),
    grantsBegan: () => grantsBegan,
    grantsFound: (count) => Effect.ignore(append({ op: "grantsFound", grantsAt: count })),
    grantsAnew: append({ op: "grantsAnew" }, noteBegan),
    step: (step, grant, by, at) => append({ op: step, ...stepFields(grant, by, at) })
  }
})
