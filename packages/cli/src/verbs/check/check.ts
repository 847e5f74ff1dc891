// `gripgate check`: the decision for one question, with everything that was considered. It asks the same code as the gate.
import { type Decision, explain } from "@gripgate/policy/explain"
import { didYouMean } from "@gripgate/policy/file/suggest"
import { formatPlace, headerOf, type Policy } from "@gripgate/policy/policy"
import type { Verdict } from "@gripgate/policy/verdict"
import { sees } from "@gripgate/policy/visible"
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { isOperation, type Operation, operations } from "@gripgate/protocol/operation"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { verdictCode } from "../exit-code.ts"
import { type Failure, quietly, usageError } from "../failure.ts"
import { wrap } from "../help.ts"
import { bold, print } from "../output.ts"
import { quoted } from "../usage.ts"
import { choosePolicy, type PolicyFlags, readPolicy } from "./policy-source.ts"

export interface CheckOptions extends PolicyFlags {
  readonly app: string
  readonly operation: string
  readonly key: string | undefined
  readonly json: boolean
}

interface Asked {
  readonly app: string | undefined
  readonly operation: Operation
  readonly keygrip: Keygrip | undefined
}

/** Prints the decision. Ends with the exit code of its verdict: 0 allow, 10 forbid, 11 ask, 12 token. */
export const check = Effect.fnUntraced(function*(
  options: CheckOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp> {
  const { chosen, source } = yield* choosePolicy("check", options)
  const policy = yield* readPolicy(source)
  const asked = yield* question(options, policy)
  const decision = explain(policy, asked)
  const notes = notesOn(policy, asked, decision.verdict, chosen)
  yield* print(options.json ? asJson(policy, asked, decision) : asText(asked, decision, notes))
  const code = verdictCode[decision.verdict]
  if (code !== 0) return yield* quietly(code)
})

const question = Effect.fnUntraced(function*(
  { app, key, operation }: CheckOptions,
  policy: Policy
): Effect.fn.Return<Asked, CliError.ShowHelp> {
  if (!isOperation(operation)) {
    const hint = didYouMean(operation, operations) ?? `the operations are ${operations.join(", ")}`
    return yield* usageError("check", `unknown operation ${quoted(operation)}`, hint)
  }
  if (app !== "anyone" && !policy.apps.has(app)) {
    const known = ["anyone", ...policy.apps.keys()]
    const all = known.length === 1 ? "it has none: ask for anyone" : `known here are ${known.slice(0, 20).join(", ")}`
    const hint = didYouMean(app, known) ?? all
    return yield* usageError("check", `the policy has no app ${quoted(app)}`, hint)
  }
  const keygrip = key === undefined ? undefined : parseKeygrip(key.replace(/^grip:/, ""))
  if (key !== undefined && keygrip === undefined) {
    const hint = "a keygrip has 40 hexadecimal digits; gpg --list-secret-keys --with-keygrip shows it"
    return yield* usageError("check", `${quoted(key)} is no keygrip`, hint)
  }
  return { app: app === "anyone" ? undefined : app, operation, keygrip }
})

const asText = (
  { app, keygrip, operation }: Asked,
  { considered, verdict }: Decision,
  notes: ReadonlyArray<string>
): string => {
  const key = keygrip === undefined ? "" : ` with key ${keygrip}`
  const lines = [bold(`${app ?? "anyone"}, ${operation}${key}: ${verdict}`), ""]
  for (const { entry, holds, why } of considered) {
    const place = entry.place === undefined ? "" : `  (${formatPlace(entry.place)})`
    lines.push(`${holds ? "*" : " "} ${entry.text}${place}`)
    lines.push(wrap(`${holds ? "holds: " : ""}${why}`, "      "))
  }
  return [...lines, ...notes.map((note) => `\n${wrap(`note: ${note}`, "")}`)].join("\n")
}

const notesOn = (
  policy: Policy,
  { app, keygrip }: Asked,
  verdict: Verdict,
  chosen: boolean
): ReadonlyArray<string> => {
  const notes: Array<string> = []
  if (!chosen) notes.push("there is no policy file, so this is the built-in policy, which allows everything")
  const seen = sees(policy, app)
  if (keygrip === undefined && seen !== "all") {
    const whose = headerOf(app)
    if (seen === "none") notes.push(`${whose} sees no key: gpg says "No secret key" to every use of one`)
    else {
      const keys = seen.size === 1 ? "one key only" : `${seen.size} keys only`
      notes.push(`${whose} sees ${keys}: with any other, gpg says "No secret key"`)
    }
  }
  const lacking =
    { allow: undefined, forbid: undefined, ask: "put a question to the owner", token: "check a token" }[verdict]
  if (lacking !== undefined) notes.push(`this version of gripgate cannot ${lacking}, and refuses`)
  return notes
}

const asJson = (policy: Policy, { app, keygrip, operation }: Asked, { considered, verdict }: Decision): string =>
  JSON.stringify(
    {
      v: 1,
      policy: policy.file ?? null,
      app: app ?? "anyone",
      operation,
      keygrip: keygrip ?? null,
      verdict,
      considered: considered.map(({ entry, holds, operation, where, why }) => ({
        entry: entry.text,
        verdict: entry.verdict,
        place: entry.place ?? null,
        where,
        operation,
        holds,
        why
      }))
    },
    undefined,
    2
  )
