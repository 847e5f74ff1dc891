// The requests by which grants with tokens are made and changed. A passphrase is in none of them: its bytes follow the line of the
// request, and the line says only whose they are and how many.
import { MAX_DURATION } from "@gripgate/policy/duration"
import { operations } from "@gripgate/protocol/operation"
import * as Schema from "effect/Schema"
import { MAX_PASSPHRASE } from "../../grant/seal.ts"

/** Keys of one grant. */
export const MAX_KEYS = 64

const Id = Schema.String.check(Schema.isMaxLength(64))
const Keygrip = Schema.String.check(Schema.isPattern(/^[0-9A-F]{40}$/))
/** As in `keys` of the policy, or a keygrip. */
const Keys = Schema.Array(Schema.String.check(Schema.isBetweenLength(1, 400))).check(
  Schema.isBetweenLength(1, MAX_KEYS)
)
const Operations = Schema.Array(Schema.Literals(operations)).check(Schema.isBetweenLength(1, operations.length))
/** Milliseconds. */
const Time = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_DURATION }))
const Uses = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000 }))

/** Bytes that follow the line, one passphrase after the other. A key that is protected has no empty one. */
const Secrets = Schema.Array(
  Schema.Struct({ key: Keygrip, bytes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_PASSPHRASE })) })
).check(
  Schema.isMaxLength(MAX_KEYS),
  Schema.makeFilter((all) => new Set(all.map(({ key }) => key)).size === all.length)
)

const wish = {
  app: Id,
  keys: Keys,
  /** Absent for what the policy wants a token or a question for. */
  operations: Schema.optionalKey(Operations),
  /** Whether passphrases are to be sealed. */
  seal: Schema.Boolean
}

/** Where passphrases come from: they follow, or the owner is asked with a pinentry. None follows one that is asked for. */
const source = {
  passphrases: Schema.Literals(["given", "pinentry"]),
  secrets: Schema.optionalKey(Secrets)
}

/** What a grant would be, or another token of one. */
export const Plan = Schema.Struct({
  verb: Schema.Literal("plan"),
  what: Schema.Union([Schema.Struct(wish), Schema.Struct({ id: Id })])
})

/** Makes a grant with a token. */
export const Grant = Schema.Struct({
  verb: Schema.Literal("grant"),
  ...wish,
  /** How long it is good; absent for until it is revoked. */
  forMs: Schema.optionalKey(Time),
  /** How many uses there are; absent for any number. */
  uses: Schema.optionalKey(Uses),
  /** How often at most, as the policy writes it. */
  limit: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))),
  ...source
}).check(Schema.makeFilter(({ passphrases, secrets }) => passphrases === "given" || secrets === undefined))

/** Makes another token for a grant; the old one holds for `overlapMs` more. */
export const Rotate = Schema.Struct({
  verb: Schema.Literal("rotate"),
  id: Id,
  overlapMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_DURATION })),
  ...source
}).check(Schema.makeFilter(({ passphrases, secrets }) => passphrases === "given" || secrets === undefined))

/** Makes a grant good for this long from now, or until it is revoked; with `uses` for so many from now. */
export const Renew = Schema.Struct({
  verb: Schema.Literal("renew"),
  id: Id,
  forMs: Schema.NullOr(Time),
  uses: Schema.optionalKey(Uses)
})
