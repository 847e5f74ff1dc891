// A question as programs see it: what `asks --json` prints. Absent is `null`; times are RFC 3339.
import * as Schema from "effect/Schema"
import { OwnersPlace } from "./place.ts"

const Maybe = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)

export const AskedKey = Schema.Struct({
  keygrip: Schema.String,
  keyId: Maybe(Schema.String),
  fingerprint: Maybe(Schema.String),
  userId: Maybe(Schema.String),
  /** What its certificate says that it is for; `null` where nobody knows. */
  capabilities: Maybe(Schema.Array(Schema.String))
})

export const AskedQuestion = Schema.Struct({
  id: Schema.String,
  /** `null` for whoever is no app. */
  app: Maybe(Schema.String),
  /** What is asked for, in a word of the policy: the first of `operations`. */
  operation: Schema.String,
  /** All that it amounts to. */
  operations: Schema.Array(Schema.String),
  /** What it is for, in words that stand behind "wants to". */
  purpose: Schema.String,
  /** The keygrip of the first key. */
  key: Maybe(Schema.String),
  keys: Schema.Array(AskedKey),
  command: Schema.String,
  /** Who it is, and how he was recognised, in words. */
  who: Schema.String,
  recognised: Schema.Literals(["socket", "kernel", "transport", "advisory", "none"]),
  uid: Maybe(Schema.Int),
  pid: Maybe(Schema.Int),
  program: Maybe(Schema.String),
  /** What is to be signed; `null` where nothing is, or where the gate did not see it. */
  digest: Maybe(Schema.Struct({ algorithm: Schema.String, hex: Schema.String })),
  /** Whether something is to be signed that the gate did not see. */
  unseen: Schema.Boolean,
  /** Words of the client, or of the agent. */
  said: Maybe(Schema.Struct({ by: Schema.Literals(["client", "agent"]), text: Schema.String })),
  note: Maybe(Schema.String),
  /** What can be answered besides yes and no for this once: for milliseconds, and always or never. */
  offers: Schema.Struct({ forMs: Maybe(Schema.Int), always: Schema.Boolean }),
  /** The entry of the policy that has it asked. */
  entry: Schema.String,
  /** `waiting`: in line, because others of the same app are open. `answered`: by this very request. */
  state: Schema.Literals(["open", "waiting", "answered"]),
  askedAt: Schema.String,
  /** When no answer is a no; `null` before the owner's time has begun. */
  endsAt: Maybe(Schema.String)
})
export type AskedQuestion = typeof AskedQuestion.Type

export const Asks = Schema.Array(AskedQuestion)

/** How a question ended. */
export const Decided = Schema.Struct({
  id: Schema.String,
  app: Maybe(Schema.String),
  operation: Schema.String,
  purpose: Schema.String,
  key: Maybe(Schema.String),
  keyId: Maybe(Schema.String),
  answer: Schema.Literals(["yes", "no", "timeout", "unavailable", "paused", "withdrawn", "stopped"]),
  /** `once`, `always` or milliseconds. */
  good: Maybe(Schema.Union([Schema.String, Schema.Int])),
  through: Maybe(Schema.String),
  uid: Maybe(Schema.Int),
  at: Schema.String
})
export type Decided = typeof Decided.Type

/** An asker that nobody is asked for, and until when. */
export const Paused = Schema.Struct({ asker: Schema.String, until: Schema.String })

/** What `watch` gets at each change. */
export const Snapshot = Schema.Struct({
  at: Schema.String,
  asks: Asks,
  decided: Schema.Array(Decided),
  paused: Schema.Array(Paused),
  owner: OwnersPlace
})
export type Snapshot = typeof Snapshot.Type
