// The flags of `grant`, `rotate` and `renew` as the gate takes them. What is wrong with one is told before anything is asked.
import { parseDuration } from "@gripgate/policy/duration"
import { parseRate } from "@gripgate/policy/file/rate"
import { didYouMean } from "@gripgate/policy/file/suggest"
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import { MAX_KEYS } from "@gripgate/proxy/control/message/grant-request"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { usageError } from "../../failure.ts"
import { quoted } from "../../usage.ts"
import type { SourceFlags } from "./passphrases.ts"

type Checked<A> = Effect.Effect<A, CliError.ShowHelp>

/** `sign,decrypt`, with or without blanks; absent for what the policy wants. */
export const operationsOf = (verb: string, text: string | undefined): Checked<ReadonlyArray<Operation> | undefined> => {
  if (text === undefined) return Effect.succeed(undefined)
  const found: Array<Operation> = []
  for (const each of text.split(",").map((part) => part.trim())) {
    if (!isOperation(each)) {
      const hint = didYouMean(each, operations) ?? `the operations are ${operations.join(", ")}`
      return Effect.fail(usageError(verb, `--operations: unknown operation ${quoted(each)}`, hint))
    }
    if (!found.includes(each)) found.push(each)
  }
  return Effect.succeed(found)
}

/** `90d`, or `null` for always. */
export const timeOf = (verb: string, text: string): Checked<number | null> => {
  if (text === "always") return Effect.succeed(null)
  const time = parseDuration(text)
  if (Result.isSuccess(time)) return Effect.succeed(time.success)
  const { hint, message } = time.failure
  return Effect.fail(
    usageError(verb, `--for: ${message}`, hint === undefined ? "or say always" : `${hint}; or say always`)
  )
}

/** How long the old token holds; `0` for not at all. */
export const overlapOf = (text: string | undefined): Checked<number> => {
  if (text === undefined || text === "0") return Effect.succeed(0)
  return Effect.fromResult(
    Result.mapError(parseDuration(text), ({ hint, message }) => usageError("rotate", `--overlap: ${message}`, hint))
  )
}

/** How many uses there are. */
export const usesOf = (verb: string, uses: number | undefined): Checked<number | undefined> =>
  uses === undefined || (uses >= 1 && uses <= MAX_USES)
    ? Effect.succeed(uses)
    : Effect.fail(usageError(verb, `--uses expects a number from 1 to ${MAX_USES}, got ${uses}`))

const MAX_USES = 1_000_000_000

/** How often at most: as it is written, for the gate reads it in the same way. */
export const limitOf = (text: string | undefined): Checked<string | undefined> => {
  const rate = text === undefined ? undefined : parseRate(text)
  if (rate === undefined || Result.isSuccess(rate)) return Effect.succeed(text)
  return Effect.fail(usageError("grant", `--limit: ${rate.failure.message}`, rate.failure.hint))
}

/** The keys, as the policy names them. */
export const keysOf = (keys: ReadonlyArray<string>): Checked<ReadonlyArray<string>> => {
  const problem = keys.length === 0
    ? "--key is missing: a grant is for some keys"
    : keys.length > MAX_KEYS
    ? `a grant has at most ${MAX_KEYS} keys`
    : keys.some((key) => key === "" || key.length > MAX_KEY)
    ? "--key needs a key"
    : undefined
  return problem === undefined ? Effect.succeed(keys) : Effect.fail(usageError("grant", problem, KEYS))
}

const MAX_KEY = 400
const KEYS = "a key is an address, a fingerprint, a key id or a keygrip, as in the policy"

/** Where the passphrase comes from; only one of the ways. */
export const sourceOf = (verb: string, { passphraseFd, pinentry }: SourceFlags, seal = true): Checked<void> => {
  const given = [...passphraseFd === undefined ? [] : ["--passphrase-fd"], ...pinentry ? ["--pinentry"] : []]
  if (given.length > 1) return Effect.fail(usageError(verb, `${given.join(" and ")} exclude each other`))
  if (!seal && given.length > 0) {
    return Effect.fail(
      usageError(verb, `${given[0]} and --no-seal exclude each other: nothing is sealed, so none is needed`)
    )
  }
  if (passphraseFd === undefined || (passphraseFd >= 0 && passphraseFd <= MAX_FD)) return Effect.void
  return Effect.fail(usageError(verb, `--passphrase-fd expects the number of a file descriptor, got ${passphraseFd}`))
}

const MAX_FD = 0x7fffffff
