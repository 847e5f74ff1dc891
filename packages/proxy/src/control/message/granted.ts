// A grant as programs see it: what `grants --json` prints, of both kinds: an answer that holds longer, and one that a token opens.
// Absent is `null`; times are RFC 3339.
import * as Schema from "effect/Schema"

const Maybe = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

/** A key that a grant is for. `stale`: its passphrase is another by now than the sealed one. */
export const GrantedKey = Schema.Struct({
  keygrip: Schema.String,
  keyId: Maybe(Schema.String),
  userId: Maybe(Schema.String),
  seal: Schema.Literals(["none", "sealed", "stale"])
})
export type GrantedKey = typeof GrantedKey.Type

export const GrantedEntry = Schema.Struct({
  id: Schema.String,
  /** `null` for a program of a session that is no app. */
  app: Maybe(Schema.String),
  session: Maybe(Schema.Struct({ uid: Schema.Int, leaderPid: Schema.Int, program: Schema.String })),
  /** None for what is done without a key. */
  keys: Schema.Array(GrantedKey),
  operations: Schema.Array(Schema.String),
  answer: Schema.Literals(["yes", "never"]),
  /** Whether it takes a token to use it. */
  token: Schema.Boolean,
  madeAt: Schema.String,
  madeBy: Schema.Struct({ through: Schema.String, uid: Maybe(Schema.Int) }),
  /** `null` for one that is good until it is revoked. */
  expiresAt: Maybe(Schema.String),
  revokedAt: Maybe(Schema.String),
  /** Since the start of the gate; in all where `usesLeft` is there. */
  uses: Schema.Int,
  /** `null` for any number. */
  usesLeft: Maybe(Schema.Int),
  /** How often at most, as the policy writes it: `60/hour`. */
  limit: Maybe(Schema.String),
  lastUsedAt: Maybe(Schema.String),
  /** How long the token before the present one still holds. */
  previousUntil: Maybe(Schema.String),
  /** Whether it is in force. */
  effective: Schema.Boolean,
  /** If it is not, why; if it is, what is wrong with a part of it. */
  reason: Maybe(Schema.String)
})
export type GrantedEntry = typeof GrantedEntry.Type

export const Grants = Schema.Array(GrantedEntry)

/** What was taken back, and what stands all the same, because it only makes stricter. */
export const Revoked = Schema.Struct({ revoked: Schema.Array(Schema.String), standing: Schema.Array(Schema.String) })
export type Revoked = typeof Revoked.Type

/** What would be granted. */
export const Planned = Schema.Struct({
  app: Schema.String,
  operations: Schema.Array(Schema.String),
  keys: Schema.Array(Schema.Struct({
    keygrip: Schema.String,
    keyId: Maybe(Schema.String),
    userId: Maybe(Schema.String),
    protection: Schema.Literals(["clear", "protected", "card"]),
    /** Whether its passphrase is to be sealed, and so is needed. */
    sealed: Schema.Boolean
  })),
  /** What the owner should know, in sentences. */
  notes: Schema.Array(Schema.String)
})
export type Planned = typeof Planned.Type

/** The grant that was made or changed; a token follows the message as secret bytes. */
export const Made = Schema.Struct({ grant: GrantedEntry })
export type Made = typeof Made.Type
