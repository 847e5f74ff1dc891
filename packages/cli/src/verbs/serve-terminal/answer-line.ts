// An answer as it is typed where a gate runs on a terminal: a word and the name of the question, `once 7KQ2`. Nothing shorter will
// do, so that nothing that was typed for something else is an answer. Pure.
import { parseDuration } from "@gripgate/policy/duration"
import type { Answer } from "@gripgate/proxy/approve/question"
import { readShortId } from "@gripgate/proxy/short-id"
import * as Result from "effect/Result"

/** What can be typed, in a sentence. */
export const FORMS = "once ID, 15m ID, always ID, no ID or never ID"

export interface TypedAnswer {
  readonly id: string
  readonly kind: Answer["kind"]
  readonly good: Answer["good"]
}

const words: ReadonlyMap<string, Omit<TypedAnswer, "id">> = new Map([
  ["once", { kind: "yes", good: "once" }],
  ["always", { kind: "yes", good: "always" }],
  ["no", { kind: "no", good: "once" }],
  ["never", { kind: "no", good: "always" }]
])

/** Reads a line; `undefined` for an empty one, else an answer or what is wrong with the line. */
export const readAnswerLine = (line: string): Result.Result<TypedAnswer, string> | undefined => {
  const text = line.trim()
  if (text === "") return undefined
  const parts = /^(\S+|\d+ [a-z]+)\s+(\S+)$/i.exec(text)
  const [word = "", id = ""] = parts?.slice(1) ?? []
  const known = words.get(word.toLowerCase())
  if (known !== undefined) return Result.succeed({ id: readShortId(id), ...known })
  const time = parseDuration(word.toLowerCase())
  if (Result.isFailure(time)) return Result.fail(`expected ${FORMS}`)
  return Result.succeed({ id: readShortId(id), kind: "yes", good: time.success })
}
