// Looks around once, and has every family of checks say what it finds. It starts no agent and no gate, changes nothing and waits for
// nobody: a check that fails by itself, or is late, is a finding like any other.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { agent } from "./agent.ts"
import { bypass } from "./bypass.ts"
import { client } from "./client.ts"
import { environment } from "./environment.ts"
import { type Finding, finding } from "./finding.ts"
import { gate } from "./gate.ts"
import { homes } from "./homes.ts"
import { families, type Family, familyOf } from "./ids.ts"
import { installed } from "./installed.ts"
import { options } from "./options.ts"
import { permissions } from "./permissions.ts"
import { pinentry } from "./pinentry.ts"
import { policy } from "./policy.ts"
import { lookAround, type Order, type Scene } from "./scene.ts"
import { units } from "./units.ts"

/** Milliseconds that a family of checks gets, and the look that comes before all: what it looks at has bounds of its own. */
const PATIENCE = 4_000
const LOOK = 8_000

type Check = (scene: Scene) => Effect.Effect<ReadonlyArray<Finding>>

const checks: Readonly<Record<Exclude<Family, "doctor">, Check>> = {
  installed: () => installed,
  policy,
  gate,
  agent,
  bypass,
  homes,
  pinentry,
  options,
  permissions,
  environment,
  units,
  client
}

/** What is the owner's business alone, and not seen from a client's side. */
const ofOwner: ReadonlySet<string> = new Set<Family>(["pinentry", "options", "permissions", "units"])

/** What a check comes to in its time, whatever happens in it. */
export const guarded = (
  what: string,
  check: Effect.Effect<ReadonlyArray<Finding>>,
  patience = PATIENCE
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.suspend(() => check).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.succeed([finding("doctor.late", `the check "${what}" was given up after ${patience / 1000} s`)])
    }),
    Effect.catchCause((cause) => {
      const error = Cause.squash(cause)
      const reason = error instanceof Error ? error.message : String(error)
      return Effect.succeed([finding("doctor.failed", `the check "${what}" failed by itself: ${reason}`)])
    })
  )

/** Everything that is found, in the order of the families. Takes some seconds at most. */
export const examine = Effect.fnUntraced(function*(order: Order): Effect.fn.Return<ReadonlyArray<Finding>> {
  let scene: Scene | undefined
  const look = Effect.map(lookAround(order), (found) => {
    scene = found
    return []
  })
  const looked = yield* guarded("a look around", look, LOOK)
  if (scene === undefined) return looked
  const there = scene
  const found = yield* Effect.forEach(
    Object.entries(checks).filter(([family]) => order.app === undefined || !ofOwner.has(family)),
    ([family, check]) => guarded(family, check(there)),
    { concurrency: "unbounded" }
  )
  return found.flat().toSorted((one, other) =>
    families.indexOf(familyOf(one.id)) - families.indexOf(familyOf(other.id))
  )
})
