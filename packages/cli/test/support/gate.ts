// A control socket with nothing behind it but what a test says: the messages are those of a gate, and so is what serves them.
import { type ControlProblem, refused } from "@gripgate/proxy/control/problem"
import { type ControlVerbs, serveControl, type Waiting } from "@gripgate/proxy/control/server"
import { LogService } from "@gripgate/proxy/log"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { nothing, status } from "../screens/data.ts"
import { makeFolder } from "./cli.ts"

export interface HandMadeGate extends AsyncDisposable {
  readonly path: string
  /** Every request, in the order in which they came. */
  readonly requests: ReadonlyArray<unknown>
  /** Every passphrase that came, by its key, for each request that may have some. */
  readonly passphrases: ReadonlyArray<Readonly<Record<string, string>>>
}

export { refused }

const none: Effect.Effect<never, ControlProblem> = Effect.fail(refused("this gate makes no tokens"))

const verbs: ControlVerbs = {
  status: () => Effect.succeed(status),
  asks: () => Effect.succeed([]),
  answer: ({ id }) => Effect.fail(refused(`there is no question ${id}`, "gripgate asks lists what can be answered")),
  grants: () => Effect.succeed([]),
  revoke: () => Effect.succeed({ revoked: [], standing: [] }),
  tty: () => Effect.succeed({ display: null, tty: null }),
  plan: () => none,
  grant: () => none,
  rotate: () => none,
  renew: () => none,
  watch: () => () => {},
  snapshot: () => nothing
}

/** Answers each verb with nothing, but for those that are given. Where `denied` says so, nobody may. */
export const serveGate = async (
  given: Partial<ControlVerbs> = {},
  denied?: { readonly error: string; readonly hint: string }
): Promise<HandMadeGate> => {
  const requests: Array<unknown> = []
  const passphrases: Array<Readonly<Record<string, string>>> = []
  const all = { ...verbs, ...given }
  const noted = (["status", "asks", "answer", "grants", "revoke", "tty", "plan", "renew"] as const).map((verb) => [
    verb,
    (request: never, peer: never) => {
      requests.push(request)
      return all[verb](request, peer)
    }
  ])
  const noteSecret = (verb: "grant" | "rotate") => (request: never, waiting: Waiting) => {
    requests.push(request)
    passphrases.push(Object.fromEntries([...waiting.passphrases].map(([key, bytes]) => [key, bytes.toString()])))
    return all[verb](request, waiting)
  }
  const path = `${makeFolder()}/control`
  const scope = Scope.makeUnsafe()
  await Effect.runPromise(
    serveControl({
      path,
      verbs: { ...all, ...Object.fromEntries(noted), grant: noteSecret("grant"), rotate: noteSecret("rotate") },
      facts: () => Effect.succeed({ socket: path, chain: [] }),
      denied: () => denied
    }).pipe(Scope.provide(scope), Effect.provideService(LogService, { level: 3, write: () => {} }))
  )
  return { path, requests, passphrases, [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
