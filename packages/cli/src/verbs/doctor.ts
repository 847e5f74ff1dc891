// `gripgate doctor`: what the doctor of @gripgate/deploy finds, for people or as JSON.
import { examine } from "@gripgate/deploy/doctor/doctor"
import type { Finding } from "@gripgate/deploy/doctor/finding"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { homedir } from "node:os"
import { resolve } from "node:path"
import { exitCode } from "../exit-code.ts"
import { type Failure, quietly, usageError } from "../failure.ts"
import { printJson, printLines } from "../output.ts"
import { doctorScreen } from "../screens/doctor.ts"
import { version } from "../version.ts"
import { judgePolicy } from "./lint.ts"
import { standardPaths } from "./policy-source.ts"
import { quietLog } from "./quiet-log.ts"
import { stdoutView } from "./view.ts"

export interface DoctorOptions {
  readonly app: string | undefined
  readonly homedir: string | undefined
  readonly policy: string | undefined
  readonly state: string | undefined
  readonly control: string | undefined
  readonly verbose: boolean
  readonly json: boolean
}

/** Prints what is found. Ends with 1 where something is wrong. */
export const doctor = Effect.fnUntraced(function*(
  options: DoctorOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  for (const name of ["app", "homedir", "policy", "state", "control"] as const) {
    if (options[name] === "") return yield* usageError("doctor", `--${name} needs a value`)
  }
  const state = options.state === undefined ? undefined : resolve(options.state)
  const findings = yield* examine({
    app: options.app,
    homedir: options.homedir,
    policy: options.policy,
    control: options.control,
    paths: standardPaths(state),
    env: process.env,
    uid: process.getuid?.(),
    home: homedir(),
    version,
    lint: (policy, named) => Effect.provide(judgePolicy(policy, named), quietLog)
  })
  yield* options.json
    ? printJson({ v: 1, findings: findings satisfies ReadonlyArray<Finding> })
    : printLines(doctorScreen(findings, { ...yield* stdoutView, verbose: options.verbose }))
  if (findings.some(({ level }) => level === "wrong")) return yield* quietly(exitCode.failed)
})
