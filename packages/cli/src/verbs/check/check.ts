// `gripgate check`: the decision for one question, with everything that was considered. It asks the same code as the gate.
import { describeIdentity } from "@gripgate/policy/client/describe"
import type { Transport } from "@gripgate/policy/client/facts"
import { type Decision, explain } from "@gripgate/policy/explain"
import type { Capability } from "@gripgate/policy/keys/keyring"
import type { Policy } from "@gripgate/policy/policy"
import { strictest, type Verdict } from "@gripgate/policy/verdict"
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import { needsOf, signatures } from "@gripgate/proxy/authority/needs"
import type { LogService } from "@gripgate/proxy/log"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import { verdictCode } from "../../exit-code.ts"
import { type Failure, quietly, usageError } from "../../failure.ts"
import { print } from "../../output.ts"
import { badPolicy, choosePolicy, type PolicyFlags, readPolicy, standardPaths } from "../policy-source.ts"
import { type ResolvedPolicy, resolvePolicy } from "../policy-world.ts"
import { quietLog } from "../quiet-log.ts"
import { keysNamed, operationOf } from "../words.ts"
import { appNamed, type Asked, farClient, processWith } from "./ask.ts"
import { asJson } from "./json.ts"
import { asText } from "./text.ts"

export interface CheckOptions extends PolicyFlags {
  /** With a pid there is no APP: the operation stands first. */
  readonly app: string | undefined
  readonly operation: string | undefined
  readonly key: string | undefined
  readonly pid: number | undefined
  readonly socket: string | undefined
  readonly via: Transport | undefined
  readonly remote: string | undefined
  readonly qube: string | undefined
  readonly homedir: string | undefined
  readonly json: boolean
}

/** One decision that the answer rests on. */
export interface Part {
  readonly operation: Operation
  readonly keygrip: Keygrip | undefined
  readonly decision: Decision
}

/** The answer: the strictest of its parts. */
export interface Answer {
  readonly asked: Asked
  readonly verdict: Verdict
  readonly parts: ReadonlyArray<Part>
  /** What no entry says: the key cannot do this, or the client is nobody in particular. */
  readonly barred: string | undefined
}

/** Prints the decision. Ends with the exit code of its verdict: 0 allow, 10 forbid, 11 ask, 12 token. */
export const check = (options: CheckOptions): Effect.Effect<void, Failure | CliError.ShowHelp> =>
  Effect.provide(run(options), quietLog)

const run = Effect.fnUntraced(function*(
  options: CheckOptions
): Effect.fn.Return<void, Failure | CliError.ShowHelp, LogService> {
  const { chosen, source } = yield* choosePolicy("check", options)
  const resolved = yield* resolvePolicy(yield* readPolicy(source), options.homedir)
  if (resolved.problems.length > 0) {
    return yield* badPolicy({ file: resolved.policy.file ?? "", problems: resolved.problems })
  }
  const answer = answerTo(yield* question(options, resolved), resolved)
  yield* print(options.json ? asJson(resolved, answer) : asText(resolved, answer, chosen))
  const code = verdictCode[answer.verdict]
  if (code !== 0) return yield* quietly(code)
})

const question = Effect.fnUntraced(function*(
  { app, key, operation: second, pid, qube, remote, socket, via }: CheckOptions,
  resolved: ResolvedPolicy
): Effect.fn.Return<Asked, Failure | CliError.ShowHelp> {
  const words = [app, second, key].filter((word) => word !== undefined)
  const [first, ...rest] = words
  if (pid === undefined && socket !== undefined) {
    return yield* usageError("check", "--socket says where a process connects: it needs --pid")
  }
  if (pid !== undefined && via !== undefined) {
    return yield* usageError(
      "check",
      "--pid and --via exclude each other: a process that connects is no client of elsewhere"
    )
  }
  if ((remote !== undefined && via !== "ssh") || (qube !== undefined) !== (via === "qrexec")) {
    return yield* usageError("check", "--remote goes with --via ssh, and --qube with --via qrexec")
  }
  if (app === "anyone" && via !== undefined && via !== "qrexec") {
    return yield* usageError("check", `a client that ${via} brings is always an app: name it in place of anyone`)
  }
  const [operationWord, keyWord, ...tooMany] = pid === undefined ? rest : words
  if (first === undefined || operationWord === undefined) {
    const missing = pid === undefined && first === undefined ? "APP" : "OPERATION"
    return yield* usageError("check", `${missing} is missing`)
  }
  if (tooMany.length > 0) {
    return yield* usageError(
      "check",
      "too many arguments",
      pid === undefined ? undefined : "with --pid there is no APP"
    )
  }
  const operation = yield* operationOf("check", operationWord)
  const who = via !== undefined
    ? farClient(resolved, first, { via, ...remote !== undefined && { remote }, ...qube !== undefined && { qube } })
    : pid === undefined
    ? yield* appNamed(resolved.policy, first)
    : yield* processWith(resolved, pid, socket, standardPaths())
  const keys = keyWord === undefined ? undefined : yield* keysNamed("check", keyWord, resolved.world)
  return { who, operation, keys }
})

const answerTo = (asked: Asked, { keys, policy }: ResolvedPolicy): Answer => {
  const { operation, who } = asked
  if (who.nobody !== undefined) {
    const what = who.process?.facts.via === undefined ? "process" : "client"
    const barred = `the ${what} is ${describeIdentity(who.nobody)}; it is refused everything`
    return { asked, verdict: "forbid", parts: [], barred }
  }
  if (asked.keys === undefined) {
    const each = operation === "sign" ? signatures : [operation]
    return summed(asked, each.map((operation) => partOf(policy, who.app, operation, undefined)))
  }
  const parts: Array<Part> = []
  for (const keygrip of keysFor(operation, asked.keys, keys)) {
    const needs = needsOf(operation, keys(keygrip)?.capabilities)
    if (needs !== undefined) { for (const each of needs) parts.push(partOf(policy, who.app, each, keygrip)) }
  }
  if (parts.length > 0) return summed(asked, parts)
  return { asked, verdict: "forbid", parts, barred: "the key is not one to decrypt with: its certificate says so" }
}

const capabilityOf: Partial<Record<Operation, Capability>> = {
  sign: "sign",
  certify: "certify",
  authenticate: "authenticate",
  decrypt: "encrypt"
}

/** Of several keys those that are for the operation, as gpg would choose one of them; all where none is known to be. */
const keysFor = (
  operation: Operation,
  all: ReadonlyArray<Keygrip>,
  known: ResolvedPolicy["keys"]
): ReadonlyArray<Keygrip> => {
  const capability = capabilityOf[operation]
  if (capability === undefined || all.length === 1) return all
  const fit = all.filter((keygrip) => known(keygrip)?.capabilities?.has(capability))
  return fit.length === 0 ? all : fit
}

const partOf = (
  policy: Policy,
  app: string | undefined,
  operation: Operation,
  keygrip: Keygrip | undefined
): Part => ({ operation, keygrip, decision: explain(policy, { app, operation, keygrip }) })

const summed = (asked: Asked, parts: ReadonlyArray<Part>): Answer => ({
  asked,
  verdict: strictest("allow", ...parts.map(({ decision }) => decision.verdict)),
  parts,
  barred: undefined
})
