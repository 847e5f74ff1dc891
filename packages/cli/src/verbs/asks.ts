// `gripgate asks`: the questions that wait for an answer.
import * as Effect from "effect/Effect"
import type { Failure } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { asksScreen } from "../screens/asks.ts"
import { askGate, type ControlFlags } from "./control.ts"
import { stdoutView } from "./view.ts"

/** Prints them; who is not asked for at the moment is told too, since a question that does not come is missed as well. */
export const asks = Effect.fnUntraced(function*(flags: ControlFlags): Effect.fn.Return<void, Failure> {
  const asked = yield* askGate(flags, { verb: "asks" })
  if (flags.json) return yield* printJson(asked)
  const { paused } = yield* askGate(flags, { verb: "status" })
  yield* printLines(asksScreen(asked, paused, yield* stdoutView))
})
