// A control socket with nothing behind it but what a test says: the messages are those of a gate, and so is what serves them.
import { type ControlProblem, type ControlVerbs, serveControl } from "@gripgate/proxy/control/server"
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
}

export const refused = (error: string, hint?: string): ControlProblem => ({
  fault: "refused",
  error,
  ...hint !== undefined && { hint }
})

const verbs: ControlVerbs = {
  status: () => Effect.succeed(status),
  asks: () => Effect.succeed([]),
  answer: ({ id }) => Effect.fail(refused(`there is no question ${id}`, "gripgate asks lists what can be answered")),
  grants: () => Effect.succeed([]),
  revoke: () => Effect.succeed({ revoked: [], standing: [] }),
  tty: () => Effect.succeed({ display: null, tty: null }),
  watch: () => () => {},
  snapshot: () => nothing
}

/** Answers each verb with nothing, but for those that are given. Where `denied` says so, nobody may. */
export const serveGate = async (
  given: Partial<ControlVerbs> = {},
  denied?: { readonly error: string; readonly hint: string }
): Promise<HandMadeGate> => {
  const requests: Array<unknown> = []
  const all = { ...verbs, ...given }
  const noted = (["status", "asks", "answer", "grants", "revoke", "tty"] as const).map((verb) => [
    verb,
    (request: never, peer: never) => {
      requests.push(request)
      return all[verb](request, peer)
    }
  ])
  const path = `${makeFolder()}/control`
  const scope = Scope.makeUnsafe()
  await Effect.runPromise(
    serveControl({
      path,
      verbs: { ...all, ...Object.fromEntries(noted) },
      facts: () => Effect.succeed({ socket: path, chain: [] }),
      denied: () => denied
    }).pipe(Scope.provide(scope), Effect.provideService(LogService, { level: 3, write: () => {} }))
  )
  return { path, requests, [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
