// The grants of a gate: those for a while in memory, those for good in a ledger whose replay is their table. A grant is in
// force when it has been written, and told to be revoked when that has been written: before, it is out of force already.
// What is told is what a restart finds.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type { SecureRandom } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { By } from "../approve/question.ts"
import type { Use } from "../authority/authority.ts"
import { openChainKey } from "../ledger/chain-key.ts"
import type { LedgerError } from "../ledger/ledger-error.ts"
import { openLedger } from "../ledger/ledger.ts"
import type { LogService } from "../log.ts"
import { ShortIds } from "../short-id.ts"
import { grantedRecord, type GrantRecord, readGrantRecord, termsOfRecord } from "./grant-record.ts"
import { GrantTable } from "./grant-table.ts"
import type { Grant, Terms } from "./grant.ts"

/** The ledger of grants, in the state directory. */
export const GRANTS = "grants.jsonl"

export class GrantStore extends Context.Service<GrantStore, {
  /** The grants in force for exactly this; `holder` is a holderKey. */
  readonly find: (holder: string, operation: Operation, keygrip: Keygrip | undefined) => ReadonlyArray<Grant>
  readonly isLive: (grant: Grant) => boolean
  /** A grant released a use. */
  readonly used: (grant: Grant) => void
  /**
   * Makes grants, good for milliseconds or, without, until revoked; fails with a sentence where not all can be written, and
   * those that were are in force.
   */
  readonly give: (terms: ReadonlyArray<Terms>, time: number | undefined) => Effect.Effect<void, string>
  /**
   * Takes grants back: out of force at once, and written down when this is done. Fails with a sentence that names those
   * that could not be; they are `unwritten`, and can be taken back again.
   */
  readonly revoke: (grants: ReadonlyArray<Grant>, by: By) => Effect.Effect<void, string>
  readonly get: (id: string) => Grant | undefined
  /** All in force, and those that ended within a day, in the order in which they were made. */
  readonly all: () => ReadonlyArray<Grant>
  /** Whether a grant whose token was presented in this session covers the use. */
  readonly covers: (use: Use) => Effect.Effect<boolean>
}>()("gripgate/proxy/GrantStore") {}

/** Opens the grants of a state directory, which this process has locked. */
export const openGrants = Effect.fnUntraced(function*(
  state: string
): Effect.fn.Return<GrantStore["Service"], LedgerError, Scope.Scope | LogService | SecureRandom> {
  const clock = yield* Clock.Clock
  const wall = (): number => clock.currentTimeMillisUnsafe()
  const table = new GrantTable({ wall, steady: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n) })
  const ids = new ShortIds()
  const replay = (record: GrantRecord, at: number): void => {
    if (record.op === "granted") {
      ids.take(record.id)
      table.load({ ...termsOfRecord(record), id: record.id, madeAt: at, uses: 0 })
      return
    }
    const grant = table.get(record.id)
    if (grant !== undefined) table.revoke(grant, at)
  }
  const ledger = yield* openLedger<GrantRecord>({
    folder: state,
    name: GRANTS,
    key: yield* openChainKey(state, [GRANTS]),
    decode: readGrantRecord,
    replay: ({ at, record }) => replay(record, at)
  })
  table.forgetOld()
  const write = (record: GrantRecord) => Effect.map(ledger.append(record, { head: true }), ({ at }) => at)

  const giveOne = (terms: Terms, time: number | undefined): Effect.Effect<string, LedgerError> => {
    const id = ids.next()
    const { holder } = terms
    const add = (times: Pick<Grant, "madeAt" | "expiresAt">): string => {
      table.add({ ...terms, ...times, id, uses: 0 })
      return id
    }
    if (time !== undefined || holder.kind !== "app") {
      const madeAt = wall()
      return Effect.sync(() => add({ madeAt, expiresAt: madeAt + (time ?? 0) }))
    }
    return Effect.map(write(grantedRecord(id, { ...terms, holder })), (madeAt) => add({ madeAt }))
  }

  const revokeOne = (grant: Grant, by: By): Effect.Effect<void, Unrevoked> =>
    Effect.suspend(() => {
      // never in force again while it is written, whatever becomes of that
      if (table.isLive(grant)) table.revoke(grant, wall())
      if (grant.expiresAt !== undefined) return Effect.void
      grant.unwritten = true
      return Effect.matchEffect(write({ op: "revoked", id: grant.id, by }), {
        onSuccess: () => Effect.sync(() => void delete grant.unwritten),
        // another who took it back at the same time may have come through
        onFailure: (error) => grant.unwritten === true ? Effect.fail({ id: grant.id, error }) : Effect.void
      })
    })

  return {
    find: (holder, operation, keygrip) => table.find(holder, operation, keygrip),
    isLive: (grant) => table.isLive(grant),
    used: (grant) => {
      grant.uses++
      grant.lastUsedAt = wall()
    },
    give: (terms, time) =>
      Effect.flatMap(
        each(terms, (one) => giveOne(one, time)),
        ([made, failed]) => failed.length === 0 ? Effect.void : Effect.fail(notGiven(failed, made))
      ),
    revoke: (grants, by) =>
      Effect.flatMap(
        each(grants, (grant) => revokeOne(grant, by)),
        ([, failed]) => failed.length === 0 ? Effect.void : Effect.fail(notRevoked(failed))
      ),
    get: (id) => table.get(id),
    all: () => table.all,
    covers: () => Effect.succeed(false)
  }
})

interface Unrevoked {
  readonly id: string
  readonly error: LedgerError
}

/** All at once, and each to its end, whoever waits: what is written and what is in force are never two things. */
const each = <A, B, E>(all: ReadonlyArray<A>, one: (each: A) => Effect.Effect<B, E>) =>
  Effect.uninterruptible(Effect.partition(all, one, { concurrency: "unbounded" }))

/** Names in a sentence, as many as anybody reads. */
const listed = (ids: ReadonlyArray<string>): string =>
  ids.length > MAX_NAMED ? `${ids.slice(0, MAX_NAMED).join(", ")} and ${ids.length - MAX_NAMED} more` : ids.join(", ")

const MAX_NAMED = 8

const notGiven = (failed: ReadonlyArray<LedgerError>, made: ReadonlyArray<string>): string => {
  const holds = made.length === 0
    ? "the answer holds for this once only"
    : `a part of the answer is in force as ${listed(made)}, and the rest holds for this once only`
  const later = failed.some(({ unsure }) => unsure) ? ", or again after a restart" : ""
  return `${holds}${later}, since it cannot be written down: ${failed[0]?.message}`
}

const notRevoked = (failed: ReadonlyArray<Unrevoked>): string => {
  const later = failed.some(({ error }) => error.unsure) ? "maybe in force again" : "in force again"
  const told = `out of force now, and ${later} after a restart, since it cannot be written down`
  return `${listed(failed.map(({ id }) => id))}: ${told}: ${failed[0]?.error.message}`
}
