// A grant as programs see it: what `grants --json` prints. Absent is `null`; times are RFC 3339.
import * as Schema from "effect/Schema"

const Maybe = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

export const GrantedEntry = Schema.Struct({
  id: Schema.String,
  /** `null` for a program of a session that is no app. */
  app: Maybe(Schema.String),
  session: Maybe(Schema.Struct({ uid: Schema.Int, leaderPid: Schema.Int, program: Schema.String })),
  /** The keygrip; `null` for what is done without a key. */
  key: Maybe(Schema.String),
  keyId: Maybe(Schema.String),
  userId: Maybe(Schema.String),
  operations: Schema.Array(Schema.String),
  answer: Schema.Literals(["yes", "never"]),
  madeAt: Schema.String,
  madeBy: Schema.Struct({ through: Schema.String, uid: Maybe(Schema.Int) }),
  /** `null` for one that is good until it is revoked. */
  expiresAt: Maybe(Schema.String),
  revokedAt: Maybe(Schema.String),
  /** Since the start of the gate. */
  uses: Schema.Int,
  lastUsedAt: Maybe(Schema.String),
  /** Whether it is in force, and if not, why. */
  effective: Schema.Boolean,
  reason: Maybe(Schema.String)
})
export type GrantedEntry = typeof GrantedEntry.Type

export const Grants = Schema.Array(GrantedEntry)

/** What was taken back, and what stands all the same, because it only makes stricter. */
export const Revoked = Schema.Struct({ revoked: Schema.Array(Schema.String), standing: Schema.Array(Schema.String) })
export type Revoked = typeof Revoked.Type
