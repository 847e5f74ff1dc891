// The permissions that are written down. A token is presented on a connection and proves a grant for it.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Use } from "../authority/authority.ts"

export class GrantStore extends Context.Service<GrantStore, {
  /** Whether a grant whose token was presented in this session covers the use. */
  readonly covers: (use: Use) => Effect.Effect<boolean>
}>()("gripgate/proxy/GrantStore") {
  /** No grants. */
  static readonly empty: Layer.Layer<GrantStore> = Layer.succeed(GrantStore, {
    covers: () => Effect.succeed(false)
  })
}
