// What an answer to an inquiry has to be, and how it is written anew. An S-expression is taken apart and put together
// again, so that the agent's own parser meets nothing but canonical form; all else is opaque bytes.
import * as Result from "effect/Result"
import type { AnswerGrammar } from "./grammar/command.ts"
import { parseAdvanced } from "./sexp/parse-advanced.ts"
import { parseCanonical } from "./sexp/parse-canonical.ts"
import { writeCanonical } from "./sexp/write-canonical.ts"

/**
 * The bytes to hand on for an answer of `grammar`, or a reason why it is no such answer. Opaque bytes come back as they
 * are. An empty answer is passed on as such everywhere: it is how gpg answers an inquiry that it does not know.
 */
export const canonicalAnswer = (grammar: AnswerGrammar, bytes: Buffer): Result.Result<Buffer, string> => {
  if (bytes.length === 0 || grammar === "opaque") return Result.succeed(bytes)
  if (grammar === "nothing") return Result.fail("data where none may come")
  const parsed = grammar === "ciphertext" ? parseCanonical(bytes) : parseAdvanced(bytes)
  return Result.isFailure(parsed)
    ? Result.fail(`not an S-expression: ${parsed.failure.reason} at byte ${parsed.failure.offset}`)
    : Result.succeed(writeCanonical(parsed.success))
}
