// Reading a policy in a test, where it must be right, or must be wrong.
import { parsePolicy } from "@gripgate/policy/file/parse"
import { formatProblem } from "@gripgate/policy/file/problem"
import type { Policy } from "@gripgate/policy/policy"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Result from "effect/Result"

/** The policy of a text that has no problems. */
export const policyOf = (...lines: ReadonlyArray<string>): Policy => {
  const result = parsePolicy(lines.join("\n"), "p.toml")
  if (Result.isSuccess(result)) return result.success
  throw new Error(result.failure.map(formatProblem).join("\n"))
}

/** The problems of a text that has some, as people read them. */
export const problemsOf = (...lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const result = parsePolicy(lines.join("\n"), "p.toml")
  if (Result.isFailure(result)) return result.failure.map(formatProblem)
  throw new Error("the policy was accepted")
}

/** A keygrip of one repeated digit. */
export const grip = (digit: string): Keygrip => parseKeygrip(digit.repeat(40))!
