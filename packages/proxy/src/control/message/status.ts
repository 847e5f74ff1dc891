// What a running gate says about itself. Times are RFC 3339; absent is `null`.
import * as Schema from "effect/Schema"
import { Paused } from "./asked.ts"
import { OwnersPlace } from "./place.ts"

const Maybe = <S extends Schema.Top>(schema: S) => Schema.NullOr(schema)
const Count = Schema.Int
const Moment = Schema.String

export const SessionStatus = Schema.Struct({
  session: Schema.Int,
  app: Maybe(Schema.String),
  uid: Maybe(Schema.Int),
  pid: Maybe(Schema.Int),
  program: Maybe(Schema.String),
  socket: Schema.String,
  connectedAt: Moment
})

export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Int,
  startedAt: Moment,
  uptimeSeconds: Count,
  /** The agent behind the gate; its version is `null` as long as nobody has needed it. */
  upstream: Schema.Struct({ socket: Schema.String, version: Maybe(Schema.String) }),
  /** All of them, in their order; `where` is a socket, or a command in words. */
  upstreams: Schema.Array(
    Schema.Struct({ name: Schema.String, where: Schema.String, version: Maybe(Schema.String) })
  ),
  /** The sockets, the app that owns each, and how many sessions are open on it. */
  listen: Schema.Array(Schema.Struct({ path: Schema.String, app: Maybe(Schema.String), sessions: Count })),
  /** `file` is `null` for a built-in policy; `default` is the verdict for what no entry names. */
  policy: Schema.Struct({ file: Maybe(Schema.String), default: Schema.String, loadedAt: Moment }),
  /** The oldest come first, 200 at most. */
  sessions: Schema.Struct({ open: Count, served: Count, list: Schema.Array(SessionStatus) }),
  questions: Schema.Struct({ open: Count, waiting: Count }),
  grants: Schema.Struct({ inForce: Count }),
  /** Where the owner is asked. */
  owner: OwnersPlace,
  paused: Schema.Array(Paused),
  /** Operations refused since the start. */
  refused: Count
})
export type Status = typeof Status.Type
