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
import type { KeyObject } from "node:crypto"
import { join } from "node:path"
import type { By } from "../approve/question.ts"
import { openChainKey } from "../ledger/chain-key.ts"
import type { LedgerError } from "../ledger/ledger-error.ts"
import { type Ledger, openLedger } from "../ledger/ledger.ts"
import { beginRecord } from "../ledger/recorded.ts"
import { LogService } from "../log.ts"
import { ShortIds } from "../short-id.ts"
import { grantedRecord, type GrantRecord, readGrantRecord, termsOfRecord } from "./grant-record.ts"
import { GrantTable } from "./grant-table.ts"
import type { Grant, Terms } from "./grant.ts"
import { assertNewest, type KnownOfGrants } from "./old-copy.ts"
import type { StepAbout, TellStep } from "./step.ts"
import { makeTokenStore, type TokenStore } from "./token-store.ts"
import { each, notGiven, notRevoked, type Unrevoked } from "./written.ts"

/** The ledger of grants, in the state directory. */
export const GRANTS = "grants.jsonl"

/** Steps wait for the head. Uses do not: of a cut at the end of the last so many milliseconds the journal knows. */
const HEAD_WITHIN = 100

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
  /** Those that a token opens. */
  readonly tokens: TokenStore
}>()("gripgate/proxy/GrantStore") {}

export interface GrantStoreOptions {
  /** The state directory, which this process has locked. */
  readonly state: string
  /** The key of the state directory, where somebody has opened it already. */
  readonly key?: KeyObject
  readonly tell?: TellStep
  /** What the journal knows of the ledger; without it an old copy with its head is not noticed. */
  readonly known?: KnownOfGrants
}

/** Opens the grants of a state directory. */
export const openGrants = Effect.fnUntraced(function*(
  { key, known, state, tell = () => Effect.void }: GrantStoreOptions
): Effect.fn.Return<GrantStore["Service"], LedgerError, Scope.Scope | LogService | SecureRandom> {
  const clock = yield* Clock.Clock
  const wall = (): number => clock.currentTimeMillisUnsafe()
  const log = yield* LogService
  const clocks = { wall, steady: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n) }
  const table = new GrantTable(clocks)
  const ids = new ShortIds()
  let ledger: Ledger<GrantRecord> | undefined
  const tokens = makeTokenStore({
    clocks,
    ids,
    write: (record) => ledger!.append(record, { head: true }),
    begin: (record) =>
      beginRecord(
        ledger!,
        record,
        ({ message }) => log.write(3, `a use is refused, since it is not counted: ${message}`)
      ),
    tell
  })
  let began: string | undefined
  const replay = (record: GrantRecord, at: number): void => {
    if (record.op === "begun") {
      began = record.began
      return
    }
    if (record.op === "granted") {
      ids.take(record.id)
      table.load({ ...termsOfRecord(record), id: record.id, madeAt: at, uses: 0 })
      return
    }
    const grant = record.op === "revoked" ? table.get(record.id) : undefined
    if (grant === undefined) tokens.replay(record, at)
    else table.revoke(grant, at)
  }
  const opened = ledger = yield* openLedger<GrantRecord>({
    folder: state,
    name: GRANTS,
    key: key ?? (yield* openChainKey(state, [GRANTS])),
    decode: readGrantRecord,
    headWithin: HEAD_WITHIN,
    replay: ({ at, record }) => replay(record, at)
  })
  const write = (record: GrantRecord) => opened.append(record, { head: true })
  if (known !== undefined) {
    yield* assertNewest(known, {
      file: join(state, GRANTS),
      count: opened.position().n,
      began,
      begin: (began) => write({ op: "begun", began })
    })
  }
  table.forgetOld()

  const giveOne = (terms: Terms, time: number | undefined): Effect.Effect<string, LedgerError> => {
    const id = ids.next()
    const { holder } = terms
    const add = (times: Pick<Grant, "madeAt" | "expiresAt">): string => {
      table.add({ ...terms, ...times, id, uses: 0 })
      return id
    }
    if (time !== undefined || holder.kind !== "app") {
      const madeAt = wall()
      const made = Effect.sync(() => add({ madeAt, expiresAt: madeAt + (time ?? 0) }))
      return Effect.tap(made, () => tell("granted", aboutOf(id, terms), terms.by))
    }
    return Effect.flatMap(
      write(grantedRecord(id, { ...terms, holder })),
      ({ at, n }) => Effect.as(tell("granted", aboutOf(id, terms), terms.by, n), add({ madeAt: at }))
    )
  }

  const revokeOne = (grant: Grant, by: By): Effect.Effect<void, Unrevoked> =>
    Effect.suspend(() => {
      // never in force again while it is written, whatever becomes of that
      if (table.isLive(grant)) table.revoke(grant, wall())
      const about = aboutOf(grant.id, grant)
      if (grant.expiresAt !== undefined) return tell("revoked", about, by)
      grant.unwritten = true
      return Effect.matchEffect(write({ op: "revoked", id: grant.id, by }), {
        onSuccess: ({ n }) => {
          delete grant.unwritten
          return tell("revoked", about, by, n)
        },
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
    tokens
  }
})

const aboutOf = (id: string, { holder, keygrip, operations }: Terms): StepAbout => ({
  id,
  app: holder.kind === "app" ? holder.app : null,
  keys: keygrip === undefined ? [] : [keygrip],
  operations: [...operations]
})
