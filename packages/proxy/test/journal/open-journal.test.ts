// The journal on disk: what is written of uses and refusals, when it is durable, and what happens where it cannot be.
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "@gripgate/protocol/gpg-error"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Question } from "../../src/approve/question.ts"
import { refusal } from "../../src/authority/authority.ts"
import { JOURNAL, openJournal } from "../../src/journal/open-journal.ts"
import { openChainKey } from "../../src/ledger/chain-key.ts"
import { verifyLedger } from "../../src/ledger/verify.ts"
import { draft } from "../approve/questions.ts"
import { useOf } from "../authority/place.ts"
import { recordingLog } from "../support/recording-log.ts"
import { scratch } from "../support/scratch.ts"

const KEY = "A".repeat(40) as Keygrip
const ENTRY = { verdict: "allow", text: "sign = \"allow\"" } as const
const use = useOf("git", "sign", KEY)
const who = { app: "git", session: 1, uid: 1000, program: "/usr/bin/git" }
const what = { recognised: "socket", operations: ["sign"] as const, keys: [KEY], command: "PKSIGN" }

const open = Effect.fnUntraced(
  function*(state: string, more: { readonly bytes?: number; readonly keep?: number } = {}) {
    const { layer, lines } = recordingLog()
    const key = yield* Effect.provide(openChainKey(state, [JOURNAL]), layerWebCrypto)
    const journal = yield* Effect.provide(openJournal({ state, key, version: "1.2.3", ...more }), layer)
    return { journal, key, lines }
  }
)

/** The records in the newest file, without what every line has. */
const recordsIn = (state: string): ReadonlyArray<Record<string, unknown>> =>
  fs.readFileSync(join(state, JOURNAL), "utf8").trimEnd().split("\n").map((line) => {
    const { at, mac: _mac, n: _n, v: _v, ...record } = JSON.parse(line)
    assert.strictEqual(new Date(at).toISOString(), at)
    return record
  })

/** What every file handle does from now on fails, as on a disk that is full, until the scope ends. */
const fullDisk = Effect.fnUntraced(function*(state: string) {
  const some = yield* Effect.promise(() => fs.promises.open(join(state, JOURNAL)))
  const handles = Object.getPrototypeOf(some) as { write: unknown }
  yield* Effect.promise(() => some.close())
  const { write } = handles
  const set = (call: unknown) =>
    Effect.sync(() => {
      handles.write = call
    })
  const full = () => Promise.reject(Object.assign(new Error("ENOSPC"), { errno: -28, code: "ENOSPC" }))
  yield* Effect.acquireRelease(set(full), () => set(write))
})

describe("a use", () => {
  it.live("is durable when that is told, and what came of it follows", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      yield* Effect.scoped(Effect.gen(function*() {
        const { journal } = yield* open(state)
        const intent = journal.allowed(use, ENTRY, ["K7F3"])!
        assert.isFalse(intent.isWritten())
        assert.isTrue(yield* intent.written)
        assert.isTrue(intent.isWritten())
        assert.isTrue(yield* intent.written)
        assert.deepStrictEqual(recordsIn(state).at(-1), {
          op: "allowed",
          use: "1.1",
          ...who,
          ...what,
          verdict: "allow",
          by: "sign = \"allow\"",
          grants: ["K7F3"]
        })
        intent.outcome("failed", "67108875 Bad passphrase", 12)
        intent.outcome("done")
        const other = journal.allowed(use, ENTRY)!
        // before it is written, as well
        other.outcome("done")
      }))
      const records = recordsIn(state)
      assert.deepStrictEqual(records.slice(2), [
        { op: "outcome", use: "1.1", result: "failed", error: 67108875, reason: "Bad passphrase", grantsAt: 12 },
        { op: "allowed", use: "1.2", ...who, ...what, verdict: "allow", by: "sign = \"allow\"" },
        { op: "outcome", use: "1.2", result: "done" },
        { op: "stopped", pid: process.pid }
      ])
      assert.deepStrictEqual(records[0], { op: "started", version: "1.2.3", pid: process.pid })
    }))

  it.live("that only looks is not written down", () =>
    Effect.gen(function*() {
      const { journal } = yield* open(yield* scratch)
      assert.isUndefined(journal.allowed(useOf("git", "list", KEY), ENTRY))
    }))

  it.live("has a name that no other has, also after a restart", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      for (let i = 0; i < 3; i++) {
        yield* Effect.scoped(Effect.flatMap(open(state), ({ journal }) => {
          journal.allowed(use, ENTRY)
          return journal.allowed(use, ENTRY)!.written
        }))
      }
      const names = recordsIn(state).flatMap(({ op, use }) => op === "allowed" ? [use] : [])
      assert.strictEqual(new Set(names).size, 6)
    }))

  it.live("is refused where it cannot be written: that is told once, and again when it can", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const { journal, lines } = yield* open(state)
      assert.isTrue(yield* journal.allowed(use, ENTRY)!.written)
      const before = recordsIn(state)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* fullDisk(state)
        for (let i = 0; i < 3; i++) {
          const intent = journal.allowed(use, ENTRY)!
          assert.isFalse(yield* intent.written)
          assert.isFalse(intent.isWritten())
          intent.outcome("done")
        }
      }))
      const errors = () => lines.filter(([priority]) => priority === 3).map(([, line]) => line)
      assert.strictEqual(errors().length, 1)
      assert.match(
        errors()[0]!,
        /nothing can be written to .*journal\.jsonl: no space left on device; .* no key is used/
      )
      assert.isTrue(yield* journal.allowed(use, ENTRY)!.written)
      assert.strictEqual(errors().length, 1)
      assert.isTrue(lines.some(([, line]) => line.endsWith("journal.jsonl is written again")))
      const after = recordsIn(state)
      assert.deepStrictEqual(after.slice(0, before.length), before)
      assert.deepStrictEqual(after.slice(before.length).map(({ op }) => op), ["allowed"])
    }))

  it.live("shares a synchronisation with others that come at once", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const { journal } = yield* open(state)
      const some = yield* Effect.promise(() => fs.promises.open(join(state, JOURNAL)))
      const handles = Object.getPrototypeOf(some) as { datasync: () => Promise<void> }
      yield* Effect.promise(() => some.close())
      const { datasync } = handles
      let times = 0
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          handles.datasync = function() {
            times++
            return datasync.call(this)
          }
        }),
        () =>
          Effect.sync(() => {
            handles.datasync = datasync
          })
      )
      yield* Effect.all(Array.from({ length: 64 }, () => Effect.suspend(() => journal.allowed(use, ENTRY)!.written)), {
        concurrency: "unbounded"
      })
      // one for what was on its way, one for all others, and the head at most once
      assert.isBelow(times, 6)
    }))
})

describe("the journal", () => {
  it.live("has a record of each refusal, question, answer, breach and change of the policy", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      yield* Effect.scoped(Effect.gen(function*() {
        const { journal, lines } = yield* open(state)
        const question: Question = { ...draft(), id: "k7f3", why: "sign = \"ask\"", askedAt: 0 }
        journal.asked(use, question)
        journal.answered(question, { kind: "yes", good: "once", by: { through: "terminal", uid: 1000 } }, 1_500)
        journal.answered(question, { kind: "timeout" }, 60_000)
        journal.refused(use, refusal(gpgError.BAD_PASSPHRASE, "the token was revoked"), { ...ENTRY, verdict: "token" })
        journal.rejected(undefined, use.facts, "FOO\u{1b}[2J", "unknown command")
        journal.unanswered("git", use.facts, "PKSIGN", "the agent is gone")
        journal.violation("git", use.facts, "a line was too long")
        journal.bug("git", use.facts, "x is not a function")
        journal.policyRead("/etc/gripgate/policy.toml")
        // the lines of the log are those that there always were
        assert.deepStrictEqual(lines.map(([, line]) => line.split(" ")[0]), [
          "asked",
          "answered",
          "answered",
          "refused",
          "refused",
          "no",
          "closed",
          "bug:"
        ])
        assert.strictEqual(journal.refusals(), 2)
      }))
      assert.deepStrictEqual(recordsIn(state).slice(1, -1), [
        { op: "asked", question: "k7f3", ...who, ...what, reason: "sign = \"ask\"" },
        { op: "answered", question: "k7f3", answer: "yes", through: "terminal", byUid: 1000, milliseconds: 1500 },
        { op: "answered", question: "k7f3", answer: "timeout", reason: "no answer in time", milliseconds: 60_000 },
        {
          op: "refused",
          ...who,
          ...what,
          verdict: "token",
          by: "sign = \"allow\"",
          error: 67108875,
          reason: "the token was revoked"
        },
        { op: "rejected", ...who, app: null, command: "FOO\\u{1b}[2J", reason: "unknown command" },
        { op: "unanswered", ...who, command: "PKSIGN", reason: "the agent is gone" },
        { op: "violation", ...who, reason: "a line was too long" },
        { op: "bug", ...who, reason: "x is not a function" },
        { op: "policy", file: "/etc/gripgate/policy.toml" }
      ])
    }))

  it.live("accounts for all refusals of a flood when it is closed", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      yield* Effect.scoped(Effect.map(open(state), ({ journal }) => {
        for (let i = 0; i < 5_000; i++) journal.refused(use, refusal(gpgError.FORBIDDEN, "because"))
      }))
      const refused = recordsIn(state).filter(({ op }) => op === "refused")
      assert.isBelow(refused.length, 150)
      assert.strictEqual(refused.reduce((sum, { times }) => sum + Number(times ?? 1), 0), 5_000)
    }))

  it.live("knows the grants' ledger as far as its own records do, also from files that it does not read", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const by = { through: "terminal", uid: 1000 }
      const grant = { id: "K7F3", app: "git", keys: [KEY], operations: ["sign"] as const }
      yield* Effect.scoped(Effect.gen(function*() {
        const { journal } = yield* open(state, { bytes: 2_000, keep: 2 })
        assert.strictEqual(journal.grantsAt(), 0)
        yield* journal.step("granted", grant, by, 3)
        assert.strictEqual(journal.grantsAt(), 3)
        yield* journal.step("granted", { ...grant, app: null }, by)
        const intent = journal.allowed(use, ENTRY)!
        intent.outcome("done", undefined, 9)
        yield* journal.step("revoked", grant, by, 7)
        assert.strictEqual(journal.grantsAt(), 9)
        for (let i = 0; i < 40; i++) yield* journal.allowed(use, ENTRY)!.written
      }))
      assert.isFalse(recordsIn(state).some(({ grantsAt }) => grantsAt !== undefined))
      const { journal, key } = yield* open(state, { bytes: 2_000, keep: 2 })
      assert.strictEqual(journal.grantsAt(), 9)
      assert.strictEqual((yield* verifyLedger({ folder: state, name: JOURNAL, key }))._tag, "Whole")
    }))

  it.live("knows how the grants' ledger began, each time in another way, also from files that it does not read", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const first = yield* Effect.scoped(Effect.gen(function*() {
        const { journal } = yield* open(state)
        assert.isUndefined(journal.grantsBegan())
        yield* journal.grantsFound(7)
        yield* journal.grantsAnew
        assert.strictEqual(journal.grantsAt(), 0)
        return journal.grantsBegan()
      }))
      const second = yield* Effect.scoped(Effect.gen(function*() {
        const { journal } = yield* open(state, { bytes: 2_000, keep: 1 })
        assert.strictEqual(journal.grantsBegan(), first)
        yield* journal.grantsAnew
        for (let i = 0; i < 40; i++) yield* journal.allowed(use, ENTRY)!.written
        return journal.grantsBegan()
      }))
      assert.isDefined(first)
      assert.notStrictEqual(second, first)
      assert.isFalse(recordsIn(state).some(({ op }) => op === "grantsAnew"))
      const { journal } = yield* open(state)
      assert.strictEqual(journal.grantsBegan(), second)
      assert.strictEqual(journal.grantsAt(), 0)
    }))

  it.live("says of a step in a grant's life whether it was written", () =>
    Effect.gen(function*() {
      const state = yield* scratch
      const { journal } = yield* open(state)
      const grant = { id: "K7F3", app: "git", keys: [KEY], operations: ["sign", "decrypt"] as const }
      yield* journal.step("rotated", grant, { through: "terminal", uid: 1000 }, 4)
      assert.deepStrictEqual(recordsIn(state).at(-1), {
        op: "rotated",
        grant: "K7F3",
        app: "git",
        keys: [KEY],
        operations: ["sign", "decrypt"],
        through: "terminal",
        byUid: 1000,
        grantsAt: 4
      })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* fullDisk(state)
        assert.match(yield* Effect.flip(journal.step("revoked", grant, { through: "x" }, 5)), /no space left on device/)
      }))
      assert.strictEqual(journal.grantsAt(), 4)
    }))
})
