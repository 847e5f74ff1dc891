// Everything that the command line can ask of a gate.
import * as Schema from "effect/Schema"
import { Grant, Plan, Renew, Rotate } from "./grant-request.ts"

const Id = Schema.String.check(Schema.isMaxLength(64))

/** How the gate is. */
const Status = Schema.Struct({ verb: Schema.Literal("status") })
/** The questions that lie open, and those in line. */
const Asks = Schema.Struct({ verb: Schema.Literal("asks") })
/** An answer to a question; `good` is `once`, `always`, or milliseconds for a yes: a no is never good for a time. */
const Answer = Schema.Struct({
  verb: Schema.Literal("answer"),
  id: Id,
  kind: Schema.Literals(["yes", "no"]),
  good: Schema.Union([
    Schema.Literals(["once", "always"]),
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3650 * 86_400_000 }))
  ]),
  /** What was looked at: `watch` and the like. */
  through: Schema.Literals(["approve", "watch"])
}).check(Schema.makeFilter(({ good, kind }) => kind === "yes" || typeof good === "string"))
/** The grants, or one of them. */
const Grants = Schema.Struct({ verb: Schema.Literal("grants"), id: Schema.optionalKey(Id) })
/** Takes back a grant, those of an app, or all. */
const Revoke = Schema.Struct({
  verb: Schema.Literal("revoke"),
  what: Schema.Union([
    Schema.Struct({ id: Id }),
    Schema.Struct({ app: Id }),
    Schema.Struct({ all: Schema.Literal(true) })
  ])
})
/** Where the owner is now: variables of an environment. */
const Tty = Schema.Struct({
  verb: Schema.Literal("tty"),
  environment: Schema.Record(Schema.String, Schema.String.check(Schema.isMaxLength(4096)))
})
/** A line now and at each change, until the peer closes. */
const Watch = Schema.Struct({ verb: Schema.Literal("watch") })

export const Request = Schema.Union([
  Status,
  Asks,
  Answer,
  Grants,
  Revoke,
  Tty,
  Watch,
  Plan,
  Grant,
  Rotate,
  Renew
])
export type Request = typeof Request.Type
export type Verb = Request["verb"]

/** Those that a token is the answer to, and that passphrases may follow. */
export type TokenVerb = "grant" | "rotate"

/** Those with one line in and one line out. */
export type PlainVerb = Exclude<Verb, TokenVerb | "watch">

/** A request of one verb. */
export type RequestOf<V extends Verb> = Extract<Request, { readonly verb: V }>

/** What is asked with one line and answered with one. */
export type PlainRequest = RequestOf<PlainVerb>
