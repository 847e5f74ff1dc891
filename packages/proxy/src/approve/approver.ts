// Whatever puts a question to the owner: a question in, an answer out, interruptible.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Use } from "../authority/authority.ts"

/** `unavailable`: there was nobody to ask, which is a no that says so. */
export type OwnersAnswer = "once" | "no" | "timeout" | "unavailable"

export class Approver extends Context.Service<Approver, {
  readonly ask: (use: Use) => Effect.Effect<OwnersAnswer>
}>()("gripgate/proxy/Approver") {
  /** No way to reach the owner. */
  static readonly nobody: Layer.Layer<Approver> = Layer.succeed(Approver, {
    ask: () => Effect.succeed("unavailable")
  })
}
