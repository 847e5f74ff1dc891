// Which policy a verb is about: the flags --policy and --default, else the file at its standard place, else the built-in one.
import type { Policy } from "@gripgate/policy/policy"
import { type Paths, paths } from "@gripgate/proxy/paths"
import { loadPolicy, type PolicyProblems, problemText } from "@gripgate/proxy/policy-file"
import { codeOf } from "@gripgate/proxy/reason"
import type { PolicySource } from "@gripgate/proxy/settings"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { lstat } from "node:fs/promises"
import { homedir } from "node:os"
import { exitCode } from "../exit-code.ts"
import { Failure, usageError } from "../failure.ts"

export interface PolicyFlags {
  readonly policy: string | undefined
  readonly default: "allow" | "ask" | "forbid" | undefined
}

/** A source, and whether somebody chose it; nobody did where there is neither a flag nor a file. */
export interface ChosenPolicy {
  readonly source: PolicySource
  readonly chosen: boolean
}

/** Where things lie for whoever runs this. */
export const standardPaths = (state?: string): Paths =>
  paths({ env: process.env, uid: process.getuid?.(), home: homedir(), state })

/** The policy that the flags of `verb` name, or that holds without them. */
export const choosePolicy = Effect.fnUntraced(function*(
  verb: string,
  flags: PolicyFlags
): Effect.fn.Return<ChosenPolicy, CliError.ShowHelp> {
  if (flags.policy !== undefined && flags.default !== undefined) {
    return yield* usageError(verb, "--policy and --default exclude each other")
  }
  if (flags.policy === "") return yield* usageError(verb, "--policy needs a value")
  if (flags.policy !== undefined) return { source: { kind: "file", file: flags.policy }, chosen: true }
  if (flags.default !== undefined) return { source: { kind: "default", verdict: flags.default }, chosen: true }
  const { policyFile: file } = standardPaths()
  return (yield* isThere(file))
    ? { source: { kind: "file", file }, chosen: true }
    : { source: { kind: "default", verdict: "allow" }, chosen: false }
})

// Only a file that is certainly not there makes way for the built-in policy, which allows everything. Whatever else is the
// matter with it (a link to nowhere, a folder that may not be searched) is told when it is read.
const isThere = (file: string): Effect.Effect<boolean> =>
  Effect.promise(() => lstat(file).then(() => true, (error: unknown) => codeOf(error) !== "ENOENT"))

/** The policy itself, or exit code 78 and all its problems. */
export const readPolicy = (source: PolicySource): Effect.Effect<Policy, Failure> =>
  Effect.mapError(loadPolicy(source), badPolicy)

/** What is wrong with a policy as a failure: one complaint for each problem. */
export const badPolicy = ({ file, problems }: Pick<PolicyProblems, "file" | "problems">): Failure =>
  new Failure({
    code: exitCode.badPolicy,
    complaints: problems.map((problem) => ({ message: problemText(file, problem), hint: problem.hint }))
  })
