// The state directory whose journal is meant, and what it means when it cannot be read.
import { LedgerError } from "@gripgate/proxy/ledger/ledger-error"
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"
import { standardPaths } from "../policy-source.ts"

/** The state directory; ends with 77 where it is somebody else's, and with 1 where there is none. */
export const stateOf = (named: string | undefined): Effect.Effect<string, Failure> =>
  Effect.suspend(() => {
    const state = resolve(named ?? standardPaths().stateDir)
    try {
      const { uid } = statSync(state)
      return uid === (process.getuid?.() ?? uid) ? Effect.succeed(state) : Effect.fail(notOurs(state, `uid ${uid}`))
    } catch (error) {
      return Effect.fail(unreadable(state, error))
    }
  })

const notOurs = (state: string, whose: string): Failure =>
  failure(
    exitCode.notPermitted,
    `${state} belongs to another user (${whose}), and so does the journal in it`,
    "run this as the user that the gate runs as"
  )

/** What cannot be read, as a failure of the verb. */
export const unreadable = (path: string, error: unknown): Failure => {
  const code = codeOf(error)
  if (error instanceof LedgerError) return failure(exitCode.notPermitted, error.message, error.hint)
  if (code === "EACCES" || code === "EPERM") {
    return failure(exitCode.notPermitted, `${path} cannot be read: ${reasonOf(error)}`, "only the gate's own user may")
  }
  if (code === "ENOENT" || code === "ENOTDIR") return noJournal(path)
  return failure(exitCode.failed, `${path} cannot be read: ${reasonOf(error)}`)
}

export const noJournal = (path: string): Failure =>
  failure(
    exitCode.failed,
    `there is no journal: ${path} does not exist`,
    "a gate makes it when it first starts; --state names the directory of another gate"
  )
