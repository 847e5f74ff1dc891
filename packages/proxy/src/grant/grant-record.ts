// What a ledger of grants says, one record for each step in a grant's life, and how a record is read again.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { operations } from "@gripgate/protocol/operation"
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Terms } from "./grant.ts"
import type { TokenGrant, TokenPart } from "./token-grant.ts"

const By = Schema.Struct({ through: Schema.String, uid: Schema.optionalKey(Schema.Int) })
const Key = Schema.String.check(Schema.isPattern(/^[0-9A-F]{40}$/))
const Hex = Schema.String.check(Schema.isPattern(/^([0-9a-f]{2})+$/))
const Moment = Schema.String.check(Schema.makeFilter((text) => !Number.isNaN(Date.parse(text))))
const Count = Schema.Int.check(Schema.isGreaterThan(0))

/** The first record of a ledger that began anew; the journal knows it by this. */
const Begun = Schema.Struct({ op: Schema.Literal("begun"), began: Schema.String })

const Granted = Schema.Struct({
  op: Schema.Literal("granted"),
  id: Schema.String,
  app: Schema.String,
  definition: Schema.String,
  key: Schema.NullOr(Key),
  operations: Schema.Array(Schema.Literals(operations)),
  answer: Schema.Literals(["yes", "never"]),
  by: By
})

/** One token, as it is kept: what proves it, and what only it opens. */
const Token = Schema.Struct({
  salt: Hex,
  verifier: Hex,
  seals: Schema.Record(Schema.String, Schema.Struct({ nonce: Hex, box: Hex }))
})

/** A grant with a token. `rate` is how many in how many milliseconds. */
const TokenGranted = Schema.Struct({
  op: Schema.Literal("tokenGranted"),
  id: Schema.String,
  app: Schema.String,
  definition: Schema.String,
  keys: Schema.Array(Key),
  operations: Schema.Array(Schema.Literals(operations)),
  expiresAt: Schema.NullOr(Moment),
  maxUses: Schema.NullOr(Count),
  rate: Schema.NullOr(Schema.Struct({ count: Count, per: Count })),
  token: Token,
  by: By
})

/** A use of a grant that has a number of them. */
const Used = Schema.Struct({ op: Schema.Literal("used"), id: Schema.String })

/** Another token; the one before is good until `previousUntil`. */
const Rotated = Schema.Struct({
  op: Schema.Literal("rotated"),
  id: Schema.String,
  token: Token,
  previousUntil: Schema.NullOr(Moment),
  by: By
})

/** Another end; `maxUses` counts from the first use of all, and is as it was where it is `null`. */
const Renewed = Schema.Struct({
  op: Schema.Literal("renewed"),
  id: Schema.String,
  expiresAt: Schema.NullOr(Moment),
  maxUses: Schema.NullOr(Count),
  by: By
})

/**
 * The passphrase of a key is not the sealed one any more. `salt` is that of the token whose seal it was: a rotation may have been
 * written meanwhile, and its seals are good.
 */
const Stale = Schema.Struct({ op: Schema.Literal("stale"), id: Schema.String, key: Key, salt: Schema.String })

const Revoked = Schema.Struct({ op: Schema.Literal("revoked"), id: Schema.String, by: By })

const GrantRecord = Schema.Union([Begun, Granted, TokenGranted, Used, Rotated, Renewed, Stale, Revoked])
export type GrantRecord = typeof GrantRecord.Type

/** A record of one kind. */
export type RecordOf<Op extends GrantRecord["op"]> = Extract<GrantRecord, { readonly op: Op }>

const decodeRecord = Schema.decodeUnknownResult(GrantRecord, { onExcessProperty: "error" })

/** A record from the fields of its line; fails with what is wrong with them. */
export const readGrantRecord = (fields: unknown): Result.Result<GrantRecord, string> =>
  Result.mapError(decodeRecord(fields), () => "expected a step in the life of a grant, got something else")

/** The record of a grant for good, which only an app has. */
export const grantedRecord = (
  id: string,
  terms: Terms & { readonly holder: { readonly kind: "app" } }
): GrantRecord => ({
  op: "granted",
  id,
  app: terms.holder.app,
  definition: terms.definition ?? "",
  key: terms.keygrip ?? null,
  operations: [...terms.operations],
  answer: terms.answer,
  by: terms.by
})

/** What was granted. */
export const termsOfRecord = (record: RecordOf<"granted">): Terms => ({
  holder: { kind: "app", app: record.app },
  ...record.definition !== "" && { definition: record.definition },
  keygrip: record.key === null ? undefined : parseKeygrip(record.key),
  operations: new Set(record.operations),
  answer: record.answer,
  by: record.by
})

/** A time of the clock as a record has it. */
export const momentIn = (time: number | undefined): string | null =>
  time === undefined ? null : DateTime.formatIso(DateTime.makeUnsafe(time))

/** A token as a record has it. */
export const tokenIn = ({ proof, seals }: TokenPart): RecordOf<"rotated">["token"] => ({
  ...proof,
  seals: Object.fromEntries(seals)
})

/** The token that a record has. */
export const tokenOf = ({ salt, seals, verifier }: RecordOf<"rotated">["token"]): TokenPart => ({
  proof: { salt, verifier },
  seals: new Map(
    Object.entries(seals).flatMap(([key, seal]) => {
      const keygrip = parseKeygrip(key)
      return keygrip === undefined ? [] : [[keygrip, seal] as const]
    })
  )
})

export const tokenGrantedRecord = (grant: TokenGrant): RecordOf<"tokenGranted"> => ({
  op: "tokenGranted",
  id: grant.id,
  app: grant.app,
  definition: grant.definition,
  keys: [...grant.keygrips],
  operations: [...grant.operations],
  expiresAt: momentIn(grant.expiresAt),
  maxUses: grant.maxUses ?? null,
  rate: grant.rate ?? null,
  token: tokenIn(grant.token),
  by: grant.by
})

/** The grant as it was made, at this time. */
export const tokenGrantOf = (record: RecordOf<"tokenGranted">, madeAt: number): TokenGrant => ({
  id: record.id,
  app: record.app,
  definition: record.definition,
  keygrips: record.keys.flatMap((key) => parseKeygrip(key) ?? []),
  operations: new Set(record.operations),
  ...record.expiresAt !== null && { expiresAt: Date.parse(record.expiresAt) },
  ...record.maxUses !== null && { maxUses: record.maxUses },
  ...record.rate !== null && { rate: record.rate },
  token: tokenOf(record.token),
  by: record.by,
  madeAt,
  stale: new Map(),
  uses: 0
})
