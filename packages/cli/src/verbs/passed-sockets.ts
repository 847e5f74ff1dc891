// What the name of a socket means that systemd hands over: an app of the policy, whoever is no app, or clients that are restricted.
import { didYouMean } from "@gripgate/policy/file/suggest"
import type { Policy } from "@gripgate/policy/policy"
import type { Passed } from "@gripgate/proxy/listen/activation"
import type { ListenOn } from "@gripgate/proxy/settings"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure } from "../failure.ts"
import { quoted } from "../usage.ts"

/** A socket for whoever is no app. */
const ANYONE = "anyone"

/** Sockets in the place of the agent's own restricted ones. No app has a dot in its name. */
const origins: ReadonlyMap<string, NonNullable<ListenOn["origin"]>> = new Map([
  ["origin.remote", "remote"],
  ["origin.browser", "browser"]
])

/**
 * The sockets with what they are for. Without any names, and by the name that systemd gives of itself (`NAME.socket`), a socket is
 * for whoever is no app. Any other name that is no app is an error: a socket that was meant for an app must not serve everybody.
 */
export const passedSockets = (
  passed: ReadonlyArray<Passed>,
  policy: Policy
): Effect.Effect<ReadonlyArray<ListenOn>, Failure> =>
  Effect.forEach(passed, ({ fd, name, path }) => {
    if (name !== undefined && policy.apps.has(name)) return Effect.succeed({ path, fd, app: name })
    if (name === undefined || name === ANYONE || name.endsWith(".socket")) return Effect.succeed({ path, fd })
    const origin = origins.get(name)
    return origin === undefined ? Effect.fail(unknown(name, path, policy)) : Effect.succeed({ path, fd, origin })
  })

const unknown = (name: string, path: string, { apps }: Policy): Failure => {
  const known = [...apps.keys(), ANYONE, ...origins.keys()]
  const hint = didYouMean(name, known) ?? `FileDescriptorName= is one of ${known.join(", ")}`
  return failure(
    exitCode.usage,
    `the socket ${path} was handed over as ${quoted(name)}, which is no app of the policy`,
    hint
  )
}
