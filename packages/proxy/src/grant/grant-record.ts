// What a ledger of grants says, one record for each step in a grant's life, and how a record is read again.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { operations } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Terms } from "./grant.ts"

const By = Schema.Struct({ through: Schema.String, uid: Schema.optionalKey(Schema.Int) })

const Granted = Schema.Struct({
  op: Schema.Literal("granted"),
  id: Schema.String,
  app: Schema.String,
  definition: Schema.String,
  key: Schema.NullOr(Schema.String.check(Schema.isPattern(/^[0-9A-F]{40}$/))),
  operations: Schema.Array(Schema.Literals(operations)),
  answer: Schema.Literals(["yes", "never"]),
  by: By
})

const Revoked = Schema.Struct({ op: Schema.Literal("revoked"), id: Schema.String, by: By })

const GrantRecord = Schema.Union([Granted, Revoked])
export type GrantRecord = typeof GrantRecord.Type

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
export const termsOfRecord = (record: Extract<GrantRecord, { op: "granted" }>): Terms => ({
  holder: { kind: "app", app: record.app },
  ...record.definition !== "" && { definition: record.definition },
  keygrip: record.key === null ? undefined : parseKeygrip(record.key),
  operations: new Set(record.operations),
  answer: record.answer,
  by: record.by
})
