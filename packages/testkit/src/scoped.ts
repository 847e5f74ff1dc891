// The bridge to Effect: whatever the testkit makes can live as long as a scope does. Everything else here is plain
// promises, so that a test of another project needs no Effect.
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Opens something of the testkit and closes it together with the scope. A failure to open or to close is a defect: a
 * test cannot do anything about it.
 *
 * @example const home = yield* scoped(() => makeHomedir())
 */
export const scoped = <A extends AsyncDisposable>(open: () => Promise<A>): Effect.Effect<A, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.promise(open), (opened) => Effect.promise(async () => opened[Symbol.asyncDispose]()))
