// `gripgate lint`: all that is wrong or odd about a policy file, one line each in the form that editors understand.
import { type Finding, lint as findingsOf } from "@gripgate/policy/lint"
import { formatPlace } from "@gripgate/policy/policy"
import { loadPolicy, type PolicyProblem, type PolicyProblems } from "@gripgate/proxy/policy-file"
import * as Effect from "effect/Effect"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure, quietly } from "../failure.ts"
import { print } from "../output.ts"
import { standardPaths } from "./policy-source.ts"

export interface LintOptions {
  readonly file: string | undefined
  readonly json: boolean
}

interface Judged extends PolicyProblem {
  readonly level: "error" | Finding["level"]
}

/** Prints problems (exit code 78), else findings (0). */
export const lint = Effect.fnUntraced(function*(options: LintOptions): Effect.fn.Return<void, Failure> {
  const file = options.file ?? standardPaths().policyFile
  const judged: ReadonlyArray<Judged> = yield* Effect.match(loadPolicy({ kind: "file", file }), {
    onFailure: ({ problems }: PolicyProblems) => problems.map((problem) => ({ ...problem, level: "error" as const })),
    onSuccess: findingsOf
  })
  yield* print(options.json ? asJson(file, judged) : asText(file, judged))
  const errors = judged.filter(({ level }) => level === "error").length
  if (errors === 0) return
  if (options.json) return yield* quietly(exitCode.badPolicy)
  const many = errors === 1 ? "one problem" : `${errors} problems`
  return yield* failure(exitCode.badPolicy, `${file} cannot be used: ${many}`)
})

const asText = (file: string, judged: ReadonlyArray<Judged>): string =>
  judged.length === 0 ? `${file}: no problems` : judged.map(({ hint, level, message, place }) => {
    const first = `${place === undefined ? file : formatPlace(place)}: ${level}: ${message}`
    return hint === undefined ? first : `${first}\n  hint: ${hint}`
  }).join("\n")

const asJson = (file: string, judged: ReadonlyArray<Judged>): string =>
  JSON.stringify(
    {
      v: 1,
      file,
      usable: judged.every(({ level }) => level !== "error"),
      findings: judged.map(({ hint, level, message, place }) => ({
        level,
        line: place?.line ?? null,
        column: place?.column ?? null,
        message,
        hint: hint ?? null
      }))
    },
    undefined,
    2
  )
