// `gripgate log --verify`: whether the journal is whole.
import { JOURNAL } from "@gripgate/proxy/journal/open-journal"
import { readChainKey } from "@gripgate/proxy/ledger/chain-key"
import { verifyLedger } from "@gripgate/proxy/ledger/verify"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, quietly } from "../../failure.ts"
import { print, printJson } from "../../output.ts"
import { many } from "../../screens/line.ts"
import { noJournal, unreadable } from "./place.ts"

/** How often it is looked at before it is called damaged, and milliseconds in between. */
const LOOKS = 4
const PAUSE = 50

/**
 * Prints how many records there are, all of them whole, or ends with 1 and the first thing that is wrong. That is looked at again
 * before it is told: a gate may have put files aside or dropped one while they were read, and damage stays.
 */
export const verify = Effect.fnUntraced(function*(state: string, json: boolean): Effect.fn.Return<void, Failure> {
  const file = join(state, JOURNAL)
  const failed = (error: unknown) => unreadable(file, error)
  const key = yield* Effect.mapError(readChainKey(state), failed)
  if (key === undefined) {
    if (!existsSync(file)) return yield* noJournal(file)
    return yield* damaged(json, `${join(state, "chain.key")} is missing, and ${file} was written with it`)
  }
  const look = Effect.mapError(verifyLedger({ folder: state, name: JOURNAL, key }), failed)
  let verdict = yield* look
  for (let looks = 1; verdict._tag === "Damaged" && looks < LOOKS; looks++) {
    yield* Effect.sleep(PAUSE)
    verdict = yield* look
  }
  if (verdict._tag === "Damaged") return yield* damaged(json, verdict.message)
  if (verdict.n === 0 && !existsSync(file)) return yield* noJournal(file)
  yield* json
    ? printJson({ whole: true, records: verdict.count })
    : print(`${many(verdict.count, "record")}, whole`)
})

const damaged = (json: boolean, message: string): Effect.Effect<never, Failure> =>
  json
    ? Effect.andThen(printJson({ whole: false, problem: message }), quietly(exitCode.failed))
    : Effect.fail(failure(exitCode.failed, message, "docs/journal.md says what this can mean, and what to do"))
