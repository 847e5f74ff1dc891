// What `gripgate log` is asked for.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import type { LogService } from "@gripgate/proxy/log"
import type * as CliError from "effect/cli/CliError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { usageError } from "../../failure.ts"
import { quoted } from "../../usage.ts"
import { readWorld } from "../policy-world.ts"
import { keysNamed, operationOf } from "../words.ts"
import type { VerdictWord, Wanted } from "./filter.ts"
import { parseMoment } from "./moment.ts"

export interface LogOptions {
  readonly app: string | undefined
  readonly key: string | undefined
  readonly operation: string | undefined
  readonly verdict: VerdictWord | undefined
  readonly since: string | undefined
  readonly until: string | undefined
  readonly lines: number | undefined
  readonly follow: boolean
  readonly json: boolean
  readonly withColons: boolean
  readonly verify: boolean
  readonly state: string | undefined
  readonly homedir: string | undefined
}

/** The records that are wanted; fails where the options do not fit together. */
export const wantedOf = Effect.fnUntraced(function*(
  options: LogOptions
): Effect.fn.Return<Wanted, CliError.ShowHelp, LogService> {
  const { app, json, lines, operation, verdict, withColons } = options
  if (json && withColons) return yield* usageError("log", "--json and --with-colons exclude each other")
  if (lines !== undefined && lines < 0) {
    return yield* usageError("log", `--lines expects a number of lines, got ${lines}`)
  }
  if (options.verify) {
    const others = [app, options.key, operation, verdict, options.since, options.until, lines]
    if (options.follow || withColons || others.some((other) => other !== undefined)) {
      return yield* usageError("log", "--verify goes through the whole journal, and only --json and --state go with it")
    }
    return {}
  }
  const now = yield* Clock.currentTimeMillis
  const moment = (name: string, text: string): Effect.Effect<number, CliError.ShowHelp> => {
    const at = parseMoment(text, now)
    const forms = "a time is 2026-02-03, \"2026-02-03 14:32\", 2026-02-03T14:32:10Z, or how long ago: 90m, 3d"
    return at === undefined
      ? Effect.fail(usageError("log", `--${name} expects a time, got ${quoted(text)}`, forms))
      : Effect.succeed(at)
  }
  return {
    ...app !== undefined && { app: app === "anyone" ? null : app },
    ...options.key !== undefined && { keys: yield* keysOf(options.key, options.homedir) },
    ...operation !== undefined && { operation: yield* operationOf("log", operation) },
    ...verdict !== undefined && { verdict },
    ...options.since !== undefined && { since: yield* moment("since", options.since) },
    ...options.until !== undefined && { until: yield* moment("until", options.until) }
  }
})

/** The keygrips that are meant. One that the keyring does not have any more may stand in the journal. */
const keysOf = Effect.fnUntraced(function*(
  word: string,
  homedir: string | undefined
): Effect.fn.Return<ReadonlySet<string>, CliError.ShowHelp, LogService> {
  const found = yield* keysNamed("log", word, yield* readWorld(homedir))
  const itself = parseKeygrip(word)
  return new Set([...found, ...itself === undefined ? [] : [itself]])
})
