// `gripgate approve` and `gripgate deny`: one answer to one question.
import { parseDuration } from "@gripgate/policy/duration"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Failure, usageError } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { answeredScreen } from "../screens/asks.ts"
import { type Good, holdsText } from "../screens/question.ts"
import { askGate, type ControlFlags, idOf } from "./control.ts"
import { stdoutView } from "./view.ts"

export interface ApproveOptions extends ControlFlags {
  readonly id: string
  readonly for: string | undefined
}

export interface DenyOptions extends ControlFlags {
  readonly id: string
  readonly never: boolean
}

/** Says yes: for this once, for a time, or always. */
export const approve = Effect.fnUntraced(function*(
  options: ApproveOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const good = yield* goodOf(options.for)
  yield* answer("approve", options, "yes", good)
})

/** Says no: for this once, or never again. */
export const deny = (options: DenyOptions): Effect.Effect<void, Failure | CliError.ShowHelp> =>
  answer("deny", options, "no", options.never ? "always" : "once")

const answer = Effect.fnUntraced(function*(
  verb: string,
  options: ControlFlags & { readonly id: string },
  kind: "yes" | "no",
  good: Good
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const id = yield* idOf(verb, options.id)
  const question = yield* askGate(options, { verb: "answer", id, kind, good, through: "approve" })
  if (options.json) return yield* printJson(question)
  yield* printLines(answeredScreen(question, holdsText(kind, good), yield* stdoutView))
})

const goodOf = (text: string | undefined): Effect.Effect<Good, CliError.ShowHelp> => {
  if (text === undefined) return Effect.succeed("once")
  if (text === "always") return Effect.succeed("always")
  const time = parseDuration(text)
  if (Result.isSuccess(time)) return Effect.succeed(time.success)
  const { hint, message } = time.failure
  return Effect.fail(
    usageError("approve", `--for: ${message}`, hint === undefined ? "or say always" : `${hint}; or say always`)
  )
}
