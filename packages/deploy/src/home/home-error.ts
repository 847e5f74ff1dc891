// What keeps a client homedir from being made or renewed, in words for whoever asked for it.
import { reasonOf } from "@gripgate/proxy/reason"
import type { GpgconfError } from "@gripgate/proxy/upstream/gpgconf"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** A client homedir that cannot be made, renewed or used as it is. */
export class HomeError extends Data.TaggedError("HomeError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** A call of the file system; `what` says what it was for, and stands before the system's reason. */
export const attempt = <A>(what: string, call: () => A): Effect.Effect<A, HomeError> =>
  Effect.try({ try: call, catch: (error) => new HomeError({ message: `${what}: ${reasonOf(error)}` }) })

/** What gpgconf could not do. What it hints at is for a gate. */
export const notByGpgconf = ({ message }: GpgconfError): HomeError => new HomeError({ message })
