// What a verb fails with when the cause is known: what is wrong, what to do about it, and the exit code. Everything else
// that goes wrong is a bug.
import * as CliError from "effect/cli/CliError"
import * as Data from "effect/Data"

/** One thing to say on stderr: `gripgate: error: ...`, and `gripgate: hint: ...` below it. */
export interface Complaint {
  readonly message: string
  readonly hint?: string | undefined
}

/** An expected end of a verb. A verb that has already said what it has to say gives no complaint. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly code: number
  readonly complaints: ReadonlyArray<Complaint>
}> {}

/** A failure of one sentence. */
export const failure = (code: number, message: string, hint?: string): Failure =>
  new Failure({ code, complaints: [{ message, hint }] })

/**
 * A command line that the parser took and that is wrong all the same. It fails the way the parser does, so that it is
 * presented the same way.
 */
export const usageError = (verb: string, message: string, hint?: string): CliError.ShowHelp =>
  new CliError.ShowHelp({
    commandPath: ["gripgate", verb],
    errors: [new CliError.UserError({ cause: { message, hint } satisfies Complaint })]
  })

/** A failure without words: the exit code alone is the answer. */
export const quietly = (code: number): Failure => new Failure({ code, complaints: [] })
