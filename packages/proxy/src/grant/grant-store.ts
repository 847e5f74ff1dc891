// The grants of a gate: those for a while in memory, those for good in a ledger whose replay is their table. A grant is in
// force when it has been written, and told to be revoked when that has been written: before, it is out of force already.
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
  /** Makes grants, good for milliseconds or, without, until revoked; fails with a sentence where they cannot be written. */
  readonly give: (terms: ReadonlyArray<Terms>, time: number | undefined) => Effect.Effect<void, string>
  /** Takes grants back: out of force at once, and written down when this is done. */
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
      table.add({ ...termsOfRecord(record), id: record.id, madeAt: at, uses: 0 })
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
  const write = (record: GrantRecord): Effect.Effect<number, string> =>
    ledger.append(record, { head: true }).pipe(
      Effect.map(({ at }) => at),
      Effect.mapError(({ message }) => message)
    )

  const giveOne = (terms: Terms, time: number | undefined): Effect.Effect<void, string> => {
    const id = ids.next()
    const { holder } = terms
    if (time !== undefined || holder.kind !== "app") {
      const madeAt = wall()
      return Effect.sync(() => table.add({ ...terms, id, madeAt, expiresAt: madeAt + (time ?? 0), uses: 0 }))
    }
    return Effect.map(
      write(grantedRecord(id, { ...terms, holder })),
      (madeAt) => table.add({ ...terms, id, madeAt, uses: 0 })
    )
  }

  const revokeOne = (grant: Grant, by: By): Effect.Effect<void, string> =>
    Effect.suspend(() => {
      // never in force again while it is written, whatever becomes of that
      if (table.isLive(grant)) table.revoke(grant, wall())
      return grant.expiresAt === undefined ? Effect.asVoid(write({ op: "revoked", id: grant.id, by })) : Effect.void
    })

  return {
    find: (holder, operation, keygrip) => table.find(holder, operation, keygrip),
    isLive: (grant) => table.isLive(grant),
    used: (grant) => {
      grant.uses++
      grant.lastUsedAt = wall()
    },
    give: (terms, time) =>
      Effect.mapError(
        Effect.forEach(terms, (each) => giveOne(each, time), { discard: true, concurrency: "unbounded" }),
        (reason) => `the answer holds for this once only, since it cannot be written down: ${reason}`
      ),
    revoke: (grants, by) =>
      Effect.mapError(
        Effect.forEach(grants, (grant) => revokeOne(grant, by), { discard: true, concurrency: "unbounded" }),
        (reason) => `out of force now, and in force again after a restart, since it cannot be written down: ${reason}`
      ),
    get: (id) => table.get(id),
    all: () => table.all,
    covers: () => Effect.succeed(false)
  }
})
