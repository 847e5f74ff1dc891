// The sockets of an agent at their standard places, and beside each the place where the agent listens while a gate stands in.
import { asideOf } from "@gripgate/proxy/listen/held-socket"
import { followRedirects } from "@gripgate/proxy/upstream/redirect"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { gnupgPlaces } from "../gnupg-places.ts"

/** A gate cannot stand in, or nothing can be set back. */
export class StandInError extends Data.TaggedError("BehindError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** One socket of the agent: where programs look for it, and where it is while the gate has that place. */
export interface Pair {
  readonly standard: string
  readonly aside: string
}

export interface StandInPlaces {
  readonly homedir: string
  readonly std: Pair
  readonly extra: Pair
  readonly browser: Pair
  readonly ssh: Pair
}

const pair = (standard: string): Pair => ({ standard, aside: asideOf(standard) })

/** The places of a homedir; where its standard socket is a redirect, the place that it leads to. */
export const standInPlaces = Effect.fnUntraced(function*(
  homedir: string | undefined
): Effect.fn.Return<StandInPlaces, StandInError> {
  const places = yield* Effect.mapError(
    gnupgPlaces(homedir),
    ({ hint, message }) => new StandInError({ message, hint })
  )
  const followed = followRedirects(places.agent, process.env)
  if (Result.isFailure(followed)) return yield* new StandInError({ message: followed.failure })
  return {
    homedir: places.homedir,
    std: pair(followed.success),
    extra: pair(places.extra),
    browser: pair(places.browser),
    ssh: pair(places.ssh)
  }
})
