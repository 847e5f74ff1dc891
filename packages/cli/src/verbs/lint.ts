// `gripgate lint`: all that is wrong or odd about a policy file, one line each in the form that editors understand.
import { policySchema } from "@gripgate/policy/file/schema"
import { harmless } from "@gripgate/policy/harmless"
import type { Match } from "@gripgate/policy/keys/resolve"
import type { Programs } from "@gripgate/policy/lint/clients"
import type { Finding } from "@gripgate/policy/lint/finding"
import { lint as findingsOf } from "@gripgate/policy/lint/lint"
import { comparePlaces, formatPlace, type Policy } from "@gripgate/policy/policy"
import type { LogService } from "@gripgate/proxy/log"
import { loadPolicy, type PolicyProblem } from "@gripgate/proxy/policy-file"
import { codeOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { closeSync, constants, openSync, readSync, realpathSync } from "node:fs"
import { exitCode } from "../exit-code.ts"
import { type Failure, failure, quietly } from "../failure.ts"
import { print } from "../output.ts"
import { standardPaths } from "./policy-source.ts"
import { type ResolvedPolicy, resolvePolicy } from "./policy-world.ts"
import { quietLog } from "./quiet-log.ts"

export interface LintOptions {
  readonly file: string | undefined
  /** GnuPG's home directory, whose keyring tells what selectors stand for. */
  readonly homedir: string | undefined
  /** Print the JSON Schema of a policy file instead. */
  readonly schema: boolean
  readonly json: boolean
}

interface Judged extends PolicyProblem {
  readonly level: Finding["level"]
}

/** Prints problems and errors (exit code 78), else findings (0). */
export const lint = (options: LintOptions): Effect.Effect<void, Failure> =>
  Effect.provide(options.schema ? print(JSON.stringify(policySchema(), undefined, 2)) : run(options), quietLog)

const run = Effect.fnUntraced(function*(options: LintOptions): Effect.fn.Return<void, Failure, LogService> {
  const file = options.file ?? standardPaths().policyFile
  const read = yield* Effect.result(loadPolicy({ kind: "file", file }))
  const judged = Result.isFailure(read)
    ? asErrors(read.failure.problems)
    : yield* judgePolicy(read.success, options.homedir)
  yield* print(options.json ? asJson(file, judged) : asText(file, judged))
  const errors = judged.filter(({ level }) => level === "error").length
  if (errors === 0) return
  if (options.json) return yield* quietly(exitCode.badPolicy)
  const many = errors === 1 ? "one problem" : `${errors} problems`
  return yield* failure(exitCode.badPolicy, `${file} cannot be used as it is: ${many}`)
})

const asErrors = (problems: ReadonlyArray<PolicyProblem>): ReadonlyArray<Judged> =>
  problems.map((problem) => ({ ...problem, level: "error" as const }))

/** What the lint says of a policy that was read without problems. */
export const judgePolicy = (
  policy: Policy,
  homedir: string | undefined
): Effect.Effect<ReadonlyArray<Judged>, never, LogService> => Effect.map(resolvePolicy(policy, homedir), judge)

const judge = (resolved: ResolvedPolicy): ReadonlyArray<Judged> => {
  const { keys, matches, notes, policy, problems } = resolved
  const found = findingsOf(policy, {
    gateUid: process.getuid?.(),
    programs: { look },
    key: (keygrip) => keys(keygrip) ?? { capabilities: undefined }
  })
  return [...asErrors(problems), ...notes, ...matches.map(asInfo), ...found].toSorted((a, b) =>
    comparePlaces(a.place, b.place)
  )
}

/** What a selector stands for. */
const asInfo = ({ keys, selector }: Match): Judged => ({
  place: selector.place,
  level: "info",
  message: keys.length === 0
    ? `${JSON.stringify(selector.text)} is no key now`
    : `${JSON.stringify(selector.text)} is ${keys.map(keyText).join(", ")}`
})

const keyText = ({ keyId, keygrip, userId }: Match["keys"][number]): string =>
  keyId === undefined ? `grip:${keygrip}` : `${keyId}${userId === undefined ? "" : ` ${harmless(userId)}`}`

/** What the kernel would say of a program at this path. */
const look = (path: string): ReturnType<Programs["look"]> => {
  try {
    const target = realpathSync(path)
    if (target !== path) return { target }
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const start = Buffer.alloc(2)
      return readSync(file, start) === 2 && start.toString("latin1") === "#!" ? { script: true } : {}
    } finally {
      closeSync(file)
    }
  } catch (error) {
    // what may not be looked at may well run
    return codeOf(error) === "ENOENT" ? undefined : {}
  }
}

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
