// The grants that a token opens: what is presented is checked here, uses are counted, and each step is written down. Its
// border: what the policy says is for the authority, what a grant is to be for the issuer.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import type { By } from "../approve/question.ts"
import { Bucket } from "../bucket.ts"
import type { LedgerError } from "../ledger/ledger-error.ts"
import { bothRecorded, type Recorded } from "../ledger/recorded.ts"
import type { ShortIds } from "../short-id.ts"
import { AcceptedToken } from "./accepted.ts"
import {
  type GrantRecord,
  momentIn,
  type RecordOf,
  tokenGrantedRecord,
  tokenGrantOf,
  tokenIn,
  tokenOf
} from "./grant-record.ts"
import type { Clocks } from "./grant-table.ts"
import { makeProof, proves, sealKey } from "./seal.ts"
import type { Step, StepAbout, TellStep } from "./step.ts"
import type { TokenGrant, TokenPart } from "./token-grant.ts"
import { makeToken, readToken } from "./token.ts"
import { each, notRevoked, type Unrevoked } from "./written.ts"

/** What was presented, and holds; or why it does not, for the journal: a client is never told. */
export type Presented = AcceptedToken | { readonly rejected: string; readonly id?: string }

export interface TokenStore {
  /** All in force, and those that ended within a day, in the order in which they were made. */
  readonly all: () => ReadonlyArray<TokenGrant>
  readonly get: (id: string) => TokenGrant | undefined
  /** Neither revoked nor expired. */
  readonly isLive: (grant: TokenGrant) => boolean
  /** Checks what an app presents, in the same time whatever is wrong with it. Letters are made large where they lie. */
  readonly present: (token: Buffer, app: string | undefined, definition: string | undefined) => Presented
  /** Whether a token that was accepted holds still, and its grant: what it permitted may be released. */
  readonly holds: (accepted: AcceptedToken) => boolean
  /** Why a token that was accepted cannot be used with this key now; `undefined` where it can. Where it is counted, once more. */
  readonly hinders: (
    accepted: AcceptedToken,
    keygrip: Keygrip | undefined,
    isCounted?: boolean
  ) => string | undefined
  /** Counts a use of each; what is written of it has to be durable before anything is released. Only after `hinders`. */
  readonly use: (accepted: ReadonlyArray<AcceptedToken>) => Recorded | undefined
  /** A name for a grant that is to be made. */
  readonly nextId: () => string
  /** Puts a grant in force; durable when this is done. */
  readonly give: (grant: TokenGrant) => Effect.Effect<void, string>
  /** Another token for a grant; the one before holds until then. */
  readonly rotate: (
    grant: TokenGrant,
    token: TokenPart,
    previousUntil: number | undefined,
    by: By
  ) => Effect.Effect<void, string>
  /** Another end, and another number of uses in all where one is given. */
  readonly renew: (
    grant: TokenGrant,
    expiresAt: number | undefined,
    maxUses: number | undefined,
    by: By
  ) => Effect.Effect<void, string>
  /** The sealed passphrase of a key is not its passphrase any more: out of force at once, and written down when this is done. */
  readonly stale: (accepted: AcceptedToken, keygrip: Keygrip) => Effect.Effect<void, string>
  /**
   * Takes grants back: out of force at once, and written down when this is done. Fails with a sentence that names those that could
   * not be; they are `unwritten`, and can be taken back again.
   */
  readonly revoke: (
    grants: ReadonlyArray<TokenGrant>,
    by: By,
    what?: "revoked" | "returned"
  ) => Effect.Effect<void, string>
}

export interface TokenStoreParts {
  readonly clocks: Clocks
  readonly ids: ShortIds
  /** Writes a record and its head. */
  readonly write: (record: GrantRecord) => Effect.Effect<{ readonly n: number; readonly at: number }, LedgerError>
  /** Begins to write a record. */
  readonly begin: (record: GrantRecord) => Recorded
  readonly tell: TellStep
}

/** Grants that are over are listed this long, in milliseconds. */
const KEPT = 86_400_000

const GATE: By = { through: "gripgate" }

type TokenRecord = RecordOf<"tokenGranted" | "used" | "rotated" | "renewed" | "stale" | "revoked">

/** The store, and the way of a record of the ledger into it. */
export const makeTokenStore = (
  { begin, clocks, ids, tell, write }: TokenStoreParts
): TokenStore & { readonly replay: (record: TokenRecord, at: number) => void } => {
  const byId = new Map<string, TokenGrant>()
  const deadlines = new Map<string, number>()
  const buckets = new WeakMap<TokenGrant, Bucket>()
  const none = makeProof(randomBytes(32))
  const nobody = randomBytes(27)

  /** By the clock that nobody sets too, as with grants for a while. */
  const until = (grant: TokenGrant, expiresAt: number | undefined): void => {
    if (expiresAt === undefined) {
      delete grant.expiresAt
      deadlines.delete(grant.id)
      return
    }
    grant.expiresAt = expiresAt
    deadlines.set(grant.id, clocks.steady() + expiresAt - clocks.wall())
  }
  const isExpired = ({ expiresAt, id }: TokenGrant): boolean =>
    expiresAt !== undefined && (clocks.wall() >= expiresAt || clocks.steady() >= (deadlines.get(id) ?? 0))
  const isLive = (grant: TokenGrant): boolean => grant.revokedAt === undefined && !isExpired(grant)
  const add = (grant: TokenGrant): void => {
    byId.set(grant.id, grant)
    until(grant, grant.expiresAt)
    if (grant.rate !== undefined) buckets.set(grant, new Bucket(grant.rate, clocks.steady))
  }
  const replaceToken = (grant: TokenGrant, token: TokenPart, previousUntil: number | undefined): void => {
    if (previousUntil === undefined) delete grant.previous
    else {
      const deadline = clocks.steady() + previousUntil - clocks.wall()
      grant.previous = { ...grant.token, until: previousUntil, deadline }
    }
    grant.token = token
    grant.stale.clear()
  }
  const setMaxUses = (grant: TokenGrant, maxUses: number | undefined): void => {
    if (maxUses === undefined) return
    // uses without a number were counted for people only
    if (grant.maxUses === undefined) grant.uses = 0
    grant.maxUses = maxUses
  }

  const notWritten = (error: LedgerError): string => `it cannot be written down: ${error.message}`
  /** Writes a step, does what it means, and has the journal told; nobody can stop half-way. */
  const step = (record: GrantRecord, what: Step, grant: TokenGrant, by: By, then: () => void) =>
    Effect.uninterruptible(
      write(record).pipe(
        Effect.mapError(notWritten),
        Effect.tap(() => Effect.sync(then)),
        Effect.flatMap(({ n }) => tell(what, aboutOf(grant), by, n))
      )
    )

  const revokeOne = (grant: TokenGrant, by: By, what: "revoked" | "returned"): Effect.Effect<void, Unrevoked> =>
    Effect.suspend(() => {
      // never in force again while it is written, whatever becomes of that
      grant.revokedAt ??= clocks.wall()
      grant.unwritten = true
      return Effect.matchEffect(write({ op: "revoked", id: grant.id, by }), {
        onSuccess: ({ n }) => {
          delete grant.unwritten
          return tell(what, aboutOf(grant), by, n)
        },
        // another who took it back at the same time may have come through
        onFailure: (error) => grant.unwritten === true ? Effect.fail({ id: grant.id, error }) : Effect.void
      })
    })

  return {
    replay: (record, at) => {
      if (record.op === "tokenGranted") {
        ids.take(record.id)
        return add(tokenGrantOf(record, at))
      }
      const grant = byId.get(record.id)
      if (grant === undefined) return
      switch (record.op) {
        case "used":
          grant.uses++
          grant.lastUsedAt = at
          return
        case "rotated":
          return replaceToken(
            grant,
            tokenOf(record.token),
            record.previousUntil === null ? undefined : Date.parse(record.previousUntil)
          )
        case "renewed":
          until(grant, record.expiresAt === null ? undefined : Date.parse(record.expiresAt))
          return setMaxUses(grant, record.maxUses ?? undefined)
        case "stale": {
          if (record.salt === grant.previous?.proof.salt) {
            delete grant.previous
            return
          }
          const keygrip = grant.keygrips.find((grip) => grip === record.key)
          if (keygrip !== undefined && record.salt === grant.token.proof.salt) grant.stale.set(keygrip, at)
          return
        }
        case "revoked":
          grant.revokedAt = at
      }
    },

    all: () => {
      const before = clocks.wall() - KEPT
      return [...byId.values()].filter((grant) =>
        isLive(grant) || grant.unwritten === true || (grant.revokedAt ?? grant.expiresAt ?? 0) > before
      )
    },
    get: (id) => byId.get(id),
    isLive,

    present: (bytes, app, definition) => {
      const read = readToken(bytes)
      const secret = read?.secret ?? nobody
      const grant = read === undefined ? undefined : byId.get(read.id)
      // all are computed in any case: what takes longer tells something
      const isToken = proves(secret, grant?.token.proof ?? none)
      const wasToken = proves(secret, grant?.previous?.proof ?? none)
      const part = isToken ? grant?.token : grant?.previous
      const key = sealKey(secret, part?.proof ?? none)
      const about = (rejected: string): Presented => {
        key.fill(0)
        return { rejected, ...grant !== undefined && { id: grant.id } }
      }
      if (read === undefined) return about("what was given is no token")
      if (!read.sound) return about("the token was mistyped: its check does not fit")
      if (grant === undefined) return about(`there is no grant ${read.id}`)
      if (part === undefined || !isToken && !wasToken) return about(`it is not the token of the grant ${grant.id}`)
      if (grant.revokedAt !== undefined) return about(`the grant ${grant.id} was revoked`)
      if (isExpired(grant)) return about(`the time of the grant ${grant.id} is up`)
      if (grant.app !== app) return about(`the grant ${grant.id} is for another app (${grant.app})`)
      if (grant.definition !== definition) {
        return about(`the grant ${grant.id} was made when the app ${grant.app} had another match or socket`)
      }
      const accepted = new AcceptedToken(grant, part, key)
      if (accepted.isInForce(clocks)) return accepted
      return about(`the token of the grant ${grant.id} was replaced by another one`)
    },

    holds: (accepted) => isLive(accepted.grant) && accepted.isInForce(clocks),

    hinders: (accepted, keygrip, isCounted) => {
      const { grant } = accepted
      if (grant.revokedAt !== undefined) return `the grant ${grant.id} was revoked`
      if (isExpired(grant)) return `the time of the grant ${grant.id} is up`
      if (!accepted.isInForce(clocks)) return `the token of the grant ${grant.id} was replaced by another one`
      if (keygrip !== undefined && grant.stale.has(keygrip)) {
        return `the grant ${grant.id} is stale: the passphrase of the key was changed`
      }
      if (isCounted === true) return undefined
      if (grant.maxUses !== undefined && grant.uses >= grant.maxUses) return `the grant ${grant.id} is used up`
      return buckets.get(grant)?.has() === false ? `the grant ${grant.id} is over its limit` : undefined
    },

    use: (accepted) => {
      let recorded: Recorded | undefined
      for (const { grant } of accepted) {
        grant.uses++
        grant.lastUsedAt = clocks.wall()
        buckets.get(grant)?.take()
        // records are durable in order: the last one stands for all
        if (grant.maxUses !== undefined) recorded = bothRecorded(recorded, begin({ op: "used", id: grant.id }))
      }
      return recorded
    },

    nextId: () => ids.next(),
    give: (grant) => step(tokenGrantedRecord(grant), "granted", grant, grant.by, () => add(grant)),
    rotate: (grant, token, previousUntil, by) =>
      step(
        { op: "rotated", id: grant.id, token: tokenIn(token), previousUntil: momentIn(previousUntil), by },
        "rotated",
        grant,
        by,
        () => replaceToken(grant, token, previousUntil)
      ),
    renew: (grant, expiresAt, maxUses, by) =>
      step(
        { op: "renewed", id: grant.id, expiresAt: momentIn(expiresAt), maxUses: maxUses ?? null, by },
        "renewed",
        grant,
        by,
        () => {
          until(grant, expiresAt)
          setMaxUses(grant, maxUses)
        }
      ),
    stale: (accepted, keygrip) =>
      Effect.suspend(() => {
        const { grant } = accepted
        const { salt } = accepted
        // one that was replaced says nothing about its successor, and is not tried again
        if (salt === grant.previous?.proof.salt) delete grant.previous
        else if (!accepted.isNewest || grant.stale.has(keygrip)) return Effect.void
        else grant.stale.set(keygrip, clocks.wall())
        return step({ op: "stale", id: grant.id, key: keygrip, salt }, "stale", grant, GATE, () => {})
      }),
    revoke: (grants, by, what = "revoked") =>
      Effect.flatMap(
        each(grants, (grant) => revokeOne(grant, by, what)),
        ([, failed]) => failed.length === 0 ? Effect.void : Effect.fail(notRevoked(failed))
      )
  }
}

/** What a step is about. */
const aboutOf = ({ app, id, keygrips, operations }: TokenGrant): StepAbout => ({
  id,
  app,
  keys: keygrips,
  operations: [...operations]
})

/** A grant that is to be made, and its token: bytes that whoever shows them wipes. */
export const draftToken = (id: string): { readonly token: Buffer; readonly secret: Buffer } => {
  const token = makeToken(id)
  return { token, secret: readToken(token)!.secret }
}
