// Shows a plan, asks, and carries it out: files here, commands through systemd. Nothing is done that was not shown.
import { applyFiles } from "@gripgate/deploy/units/apply"
import type { Plan } from "@gripgate/deploy/units/plan"
import { runCommands, systemdRuns } from "@gripgate/deploy/units/systemctl"
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure, usageError } from "../../failure.ts"
import { print, printError, printJson } from "../../output.ts"
import { saysYes } from "./ask.ts"
import { commandLines, planJson, planText } from "./show-plan.ts"

export interface UnitOptions {
  readonly user: boolean
  readonly system: boolean
  readonly root: string | undefined
  readonly yes: boolean
  readonly dryRun: boolean
  readonly json: boolean
}

export type Verb = "install" | "uninstall"

/** Which of the two systemds is meant. */
export const whoseOf = (
  verb: Verb,
  { root, system, user }: Pick<UnitOptions, "user" | "system" | "root">
): Effect.Effect<"user" | "system", CliError.ShowHelp> => {
  if (user === system) {
    return Effect.fail(
      usageError(verb, "it needs one of --user and --system", `gripgate ${verb} --user is for yourself`)
    )
  }
  if (root === "") return Effect.fail(usageError(verb, "--root needs a value"))
  return Effect.succeed(user ? "user" : "system")
}

/** What the system says while a plan is made or carried out, as a failure. */
export const systemFailure = (what: string, whose: "user" | "system") => (error: unknown): Failure => {
  const forbidden = ["EACCES", "EPERM"].includes(codeOf(error) ?? "")
  const path = (error as NodeJS.ErrnoException).path
  const message = `${what}${path === undefined ? "" : ` ${path}`}: ${reasonOf(error)}`
  if (!forbidden) return failure(exitCode.failed, message)
  const hint = whose === "system" ? "run it as root" : "the folder has to be your own"
  return failure(exitCode.notPermitted, message, hint)
}

export const carryOut = Effect.fnUntraced(function*(
  verb: Verb,
  whose: "user" | "system",
  plan: Plan,
  options: UnitOptions
): Effect.fn.Return<void, Failure> {
  const runs = options.root === undefined && (yield* systemdRuns(whose))
  const shown = { verb, whose, root: options.root, plan, runs, dryRun: options.dryRun }
  const isNothing = verb === "uninstall" && plan.files.length === 0
  const goes = !options.dryRun && !isNothing
  if (options.json) yield* printJson(planJson(shown))
  else yield* print(planText(shown))
  if (!goes) return
  if (!options.yes) {
    const answer = options.json ? "nobody to ask" as const : yield* saysYes("Go on? [y/N] ")
    if (answer === "nobody to ask") {
      return yield* failure(
        exitCode.failed,
        "nothing was changed: there is nobody to ask",
        "--yes says that it is to be done, --dry-run that it is not"
      )
    }
    if (!answer) return yield* failure(exitCode.failed, "nothing was changed")
  }
  const told = <E extends { readonly message: string; readonly left: ReadonlyArray<ReadonlyArray<string>> }>(
    error: E
  ) => failure(exitCode.failed, error.message, `what is left to do:\n${commandLines(error.left).join("\n")}`)
  if (runs) yield* Effect.mapError(runCommands(plan.before), told)
  yield* Effect.try({
    try: () => applyFiles(plan.files),
    catch: systemFailure(verb === "install" ? "cannot write" : "cannot remove", whose)
  })
  if (runs) yield* Effect.mapError(runCommands(plan.after), told)
  if (!options.json) yield* printError(doneText(verb, options.root, runs, plan))
})

const doneText = (verb: Verb, root: string | undefined, runs: boolean, { after, before }: Plan): string => {
  const done = verb === "install" ? "installed" : "removed"
  if (runs || root !== undefined) return done
  return [`${done}; no systemd answers here, so these are left to type:`, ...commandLines([...before, ...after])].join(
    "\n"
  )
}
