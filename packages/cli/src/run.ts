// Runs a command line and turns its end into an exit code. Whatever was not foreseen ends here, as a bug.
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { gripgate } from "./command.ts"
import { exitCode } from "./exit-code.ts"
import { Failure } from "./failure.ts"
import { printBug, printComplaint, tameStreams } from "./output.ts"
import { presenter } from "./present.ts"
import { version } from "./version.ts"

const program = Command.runWith(gripgate, { version })

// The parser's other flags are left out: completions are a verb, and a gate's log has --verbose.
const services = Layer.mergeAll(
  NodeServices.layer,
  presenter,
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })
)

/** Runs the command line and ends the process when it is done. */
export const run = (args: ReadonlyArray<string>): void => {
  tameStreams()
  process.on("uncaughtException", (error) => end(bug(error)))
  // A fiber that waits for a signal or a promise does not keep a process alive.
  setInterval(() => {}, 2 ** 30)
  void Effect.runPromiseExit(Effect.provide(program(args), services)).then((exit) => end(codeOf(exit)))
}

const codeOf = (exit: Exit.Exit<void, unknown>): number => {
  if (Exit.isSuccess(exit)) return exitCode.ok
  const error = Cause.squash(exit.cause)
  if (error instanceof Failure) {
    error.complaints.forEach(printComplaint)
    return error.code
  }
  // The presenter has told it.
  if (CliError.isCliError(error) && error._tag === "ShowHelp") return exitCode.usage
  return bug(error)
}

const bug = (error: unknown): number => {
  printBug(error instanceof Error ? error.stack ?? error.message : String(error))
  return exitCode.bug
}

/** What was written is on its way before the process ends, also where a stream is a pipe that is read slowly. */
const end = (code: number): void => {
  process.exitCode = code
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)))
}
