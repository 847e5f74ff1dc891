// `gripgate status`: what a running gate says about itself.
import * as Effect from "effect/Effect"
import type { Failure } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { statusScreen } from "../screens/status.ts"
import { askGate, type ControlFlags } from "./control.ts"
import { stdoutView } from "./view.ts"

/** Prints the state of the gate. */
export const status = Effect.fnUntraced(function*(flags: ControlFlags): Effect.fn.Return<void, Failure> {
  const found = yield* askGate(flags, { verb: "status" })
  yield* flags.json ? printJson({ v: 1, ...found }) : printLines(statusScreen(found, yield* stdoutView))
})
