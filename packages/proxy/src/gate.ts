// A gate, put together: policy, authority, upstream, sessions, sockets. It is ready when every socket takes connections,
// and ends with its scope, in the opposite order.
import type { Policy } from "@gripgate/policy/policy"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Approver } from "./approve/approver.ts"
import { Authority } from "./authority/authority.ts"
import { policyAuthority } from "./authority/policy-authority.ts"
import type { Status } from "./control/message.ts"
import { serveControl } from "./control/server.ts"
import { GrantStore } from "./grant/grant-store.ts"
import { Journal } from "./journal/journal.ts"
import { KeyDirectory } from "./keys/key-directory.ts"
import { KnownKeys } from "./keys/known-keys.ts"
import { policyKeys } from "./keys/policy-keys.ts"
import { defaultLimits, type Limits } from "./limits.ts"
import { listen } from "./listen/listener.ts"
import { lockState } from "./lock.ts"
import { LogService } from "./log.ts"
import { loadPolicy, PolicyRef, watchPolicy } from "./policy-file.ts"
import { ownersEnvironment } from "./session/owners-environment.ts"
import { makeSessions } from "./session/sessions.ts"
import type { GateSettings } from "./settings.ts"
import { launch, locate } from "./upstream/locate.ts"
import { makePool } from "./upstream/pool.ts"

/** Nothing to listen on: a mistake of whoever made the settings. */
export class NothingToServe extends Data.TaggedError("NothingToServe")<{ readonly message: string }> {}

/** A gate that serves. */
export interface Gate {
  readonly upstream: string
  readonly policy: Policy
  readonly reload: Effect.Effect<void>
}

/** Starts a gate; it stops with the scope. `limits` are for whoever cannot wait as long as people may. */
export const startGate = Effect.fnUntraced(function*(
  settings: GateSettings,
  limits: Limits = defaultLimits,
  env: Readonly<Record<string, string | undefined>> = process.env
) {
  if (settings.listen.length === 0) {
    return yield* new NothingToServe({ message: "there is no socket to listen on" })
  }
  const log = yield* LogService
  const ref = { current: yield* loadPolicy(settings.policy), generation: 0 }
  yield* lockState(settings.state)
  const place = { homedir: settings.homedir, socket: settings.upstream }
  const upstream = yield* locate(place)
  const router = yield* makePool({
    socket: upstream.socket,
    launch: upstream.mayLaunch ? launch(place) : undefined,
    limits,
    log
  })

  const services = yield* Layer.build(
    policyAuthority.pipe(
      Layer.provideMerge(Layer.mergeAll(policyKeys, Approver.nobody, GrantStore.empty, Journal.log)),
      Layer.provide(Layer.succeed(PolicyRef, ref))
    )
  )
  const clock = yield* Clock.Clock
  const authority = Context.get(services, Authority)
  const journal = Context.get(services, Journal)
  const sessions = yield* makeSessions(
    {
      authority,
      keys: Context.get(services, KeyDirectory),
      journal,
      router,
      known: new KnownKeys(() => clock.currentTimeMillisUnsafe()),
      ownersEnvironment: ownersEnvironment(env),
      hasOption: new Map()
    },
    limits
  )
  // before sessions end, whatever is still to be decided is decided with no
  yield* Effect.addFinalizer(() => Effect.sync(authority.close))

  const startedAt = yield* DateTime.now
  let loadedAt = startedAt
  const { reload } = yield* watchPolicy(settings.policy, (policy) =>
    Effect.map(DateTime.now, (now) => {
      warnOfSockets(ref.current, policy, log.write)
      ref.current = policy
      ref.generation++
      loadedAt = now
    }))
  yield* serveControl({
    path: settings.control,
    status: (): Status => ({
      version: settings.version,
      pid: process.pid,
      startedAt: DateTime.formatIso(startedAt),
      upstream: { socket: upstream.socket, version: router.lastVersion() ?? null },
      listen: settings.listen.map(({ app, path }) => ({ path, app: app ?? null, sessions: sessions.openOn(path) })),
      policy: {
        file: ref.current.file ?? null,
        default: ref.current.default.verdict,
        loadedAt: DateTime.formatIso(loadedAt)
      },
      sessions: { open: sessions.open(), served: sessions.served() },
      refused: journal.refusals()
    })
  })
  for (const { app, path } of settings.listen) {
    yield* listen({ path }, (socket) => sessions.accept(socket, app, path))
  }
  return { upstream: upstream.socket, policy: ref.current, reload } satisfies Gate
})

/** Sockets are made at the start; a policy that changes them takes effect with all else but these. */
const warnOfSockets = (before: Policy, after: Policy, write: (priority: 4, message: string) => void): void => {
  const sockets = (policy: Policy): string =>
    [...policy.apps.values()].map((app) => `${app.name} ${app.socket}`).toSorted().join()
  if (sockets(before) !== sockets(after)) {
    write(4, "the policy changes the sockets of apps: that needs a restart of the gate, all else is in force now")
  }
}
