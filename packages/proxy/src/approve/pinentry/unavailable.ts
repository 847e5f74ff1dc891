// Why the owner cannot be asked with a pinentry. It is for the log and for whoever asks next, not for the client.
import * as Data from "effect/Data"

/** The reason is harmless to show. */
export class Unavailable extends Data.TaggedError("Unavailable")<{ readonly reason: string }> {}
