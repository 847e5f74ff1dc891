// Where the owner is asked, as programs see it.
import * as Schema from "effect/Schema"

/** A display, a terminal, both or neither. */
export const OwnersPlace = Schema.Struct({
  display: Schema.NullOr(Schema.String),
  tty: Schema.NullOr(Schema.String)
})
export type OwnersPlace = typeof OwnersPlace.Type
