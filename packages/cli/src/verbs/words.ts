// Words of the command line that several verbs take: an operation, and keys, which the owner's keyring tells.
import { parseSelector } from "@gripgate/policy/file/selector"
import { didYouMean } from "@gripgate/policy/file/suggest"
import { makeKeyIndex } from "@gripgate/policy/keys/key-index"
import { standFor } from "@gripgate/policy/keys/stand-for"
import type { World } from "@gripgate/policy/keys/world"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { usageError } from "../failure.ts"
import { quoted } from "../usage.ts"

/** The operation that a word of a verb is. */
export const operationOf = (verb: string, word: string): Effect.Effect<Operation, CliError.ShowHelp> => {
  if (isOperation(word)) return Effect.succeed(word)
  const hint = didYouMean(word, operations) ?? `the operations are ${operations.join(", ")}`
  return Effect.fail(usageError(verb, `unknown operation ${quoted(word)}`, hint))
}

/** The keys that a word names for a verb: a keygrip, with or without `grip:`, or any selector of the policy file. */
export const keysNamed = (
  verb: string,
  word: string,
  world: World
): Effect.Effect<ReadonlyArray<Keygrip>, CliError.ShowHelp> => {
  const wanted = parseSelector(word)
  if (Result.isFailure(wanted)) return Effect.fail(usageError(verb, wanted.failure.message, wanted.failure.hint))
  if (wanted.success.kind === "all") return Effect.fail(usageError(verb, "name one key, or leave it out"))
  const selector = { text: word, wanted: wanted.success, place: { file: "", line: 0, column: 0 } }
  const found = standFor(selector, makeKeyIndex(world), undefined).keys.map(({ keygrip }) => keygrip)
  if (found.length > 0) return Effect.succeed(found)
  // forty digits are a fingerprint to gpg, and a keygrip to its agent
  const keygrip = parseKeygrip(word)
  if (keygrip !== undefined) return Effect.succeed([keygrip])
  const hint = "gpg --list-secret-keys --with-keygrip shows the keys"
  return Effect.fail(usageError(verb, `no key of the keyring is ${quoted(word)}`, hint))
}
