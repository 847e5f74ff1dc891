// The policy file: text in, a policy out, or every mistake that is in it. An error of syntax comes alone, because
// what stands behind one cannot be trusted to mean what it says.
import { isOperation } from "@gripgate/protocol/operation"
import * as Result from "effect/Result"
import type { App, Default, OwnSocket, Policy } from "../policy.ts"
import { appWords, readAnyone, readApp } from "./app.ts"
import { approveWords, readApprove } from "./approve.ts"
import { gateWords, readGate } from "./gate.ts"
import { limitWords, readLimits } from "./limits.ts"
import { readOperations } from "./operations.ts"
import { inOrder, type Problem, quote } from "./problem.ts"
import { didYouMean } from "./suggest.ts"
import { readTree, type Setting, type Table } from "./tree.ts"
import { readUpstreams, upstreamWords } from "./upstreams.ts"
import { notOneOf, readString, readTable } from "./value.ts"

/** Largest policy file, in bytes of UTF-8: room for 10,000 apps with a key and an entry each. */
export const MAX_POLICY_BYTES = 1024 * 1024

/** What stands at the top of the file. */
export const topWords = ["default", "operations", "apps", "anyone", "limits", "gate", "approve", "upstreams"] as const

/** What `default` can be. */
export const defaults = ["allow", "ask", "forbid"] as const

/**
 * Reads a policy. `file` is its name for messages. Fails with all problems in the order of the file, or with one
 * problem alone if the text is too large or is not TOML 1.0. A file without `default` has the built-in one, `allow`.
 * Never throws.
 */
export const parsePolicy = (text: string, file: string): Result.Result<Policy, ReadonlyArray<Problem>> => {
  if (text.length > MAX_POLICY_BYTES || Buffer.byteLength(text) > MAX_POLICY_BYTES) {
    const message = `the policy is larger than 1 MiB (${MAX_POLICY_BYTES} bytes)`
    return Result.fail([{ place: { file, line: 1, column: 1 }, message }])
  }
  const tree = readTree(text, file)
  if (Result.isFailure(tree)) return Result.fail([tree.failure])
  const problems: Array<Problem> = []
  const policy = read(tree.success, file, problems)
  return problems.length === 0 ? Result.succeed(policy) : Result.fail(inOrder(problems))
}

const read = ({ settings }: Table, file: string, problems: Array<Problem>): Policy => {
  for (const setting of settings.values()) {
    if (!topWords.some((word) => word === setting.key)) problems.push(unknown(setting))
  }
  const byDefault = readDefault(settings.get("default"), problems)
  const shared = tableIn(settings.get("operations"), problems)
  const anyone = settings.get("anyone")
  const { apps, owners } = readApps(tableIn(settings.get("apps"), problems), problems)
  return {
    file,
    default: byDefault,
    operations: shared === undefined ? new Map() : readOperations(shared, "[operations]", [], problems),
    apps,
    anyone: anyone && readAnyone(anyone, byDefault.verdict === "allow" ? "all" : "none", problems),
    limits: readLimits(tableIn(settings.get("limits"), problems), problems),
    gate: readGate(tableIn(settings.get("gate"), problems), owners, problems),
    approve: readApprove(tableIn(settings.get("approve"), problems), problems),
    upstreams: readUpstreams(tableIn(settings.get("upstreams"), problems), problems)
  }
}

const readDefault = (setting: Setting | undefined, problems: Array<Problem>): Default => {
  const builtin: Default = { verdict: "allow", text: "default = \"allow\"" }
  if (setting === undefined) return builtin
  const verdict = readString(setting.node, problems, "default = \"ask\"")
  if (verdict === undefined) return builtin
  if (verdict === "token") {
    const hint = "a token belongs to one app: give it to single operations below [apps.NAME]"
    problems.push({ place: setting.node.place, message: "default cannot be \"token\"", hint })
    return builtin
  }
  const known = defaults.find((word) => word === verdict)
  if (known !== undefined) return { verdict: known, place: setting.place, text: `default = "${known}"` }
  problems.push(notOneOf(setting.node, verdict, defaults))
  return builtin
}

const tableIn = (setting: Setting | undefined, problems: Array<Problem>): Table | undefined =>
  setting
  && readTable(
    setting.node,
    problems,
    ["apps", "upstreams"].includes(setting.key) ? `[${setting.key}.NAME]` : `[${setting.key}]`
  )

interface Apps {
  readonly apps: ReadonlyMap<string, App>
  /** The apps by the sockets that they own. */
  readonly owners: ReadonlyMap<string, App>
}

const readApps = (table: Table | undefined, problems: Array<Problem>): Apps => {
  const apps = new Map<string, App>()
  const owners = new Map<string, App>()
  for (const setting of table?.settings.values() ?? []) {
    const app = readApp(setting, problems)
    if (app === undefined) continue
    apps.set(app.name, app)
    if (app.socket === undefined) continue
    const owner = owners.get(app.socket.name)
    if (owner === undefined) owners.set(app.socket.name, app)
    else problems.push(sharedSocket(app.socket, owner))
  }
  return { apps, owners }
}

const sharedSocket = ({ name, place }: OwnSocket, owner: App): Problem => {
  const message = `the socket ${quote(name)} is owned by ${quote(owner.name)} (line ${owner.place?.line}) already`
  return { place, message, hint: "whoever comes through a socket can be only one app" }
}

const unknown = ({ key, place }: Setting): Problem => {
  const table = isOperation(key)
    ? "operations stand below [operations], [apps.NAME] or [anyone]"
    : appWords.some((word) => word === key)
    ? `${key} stands below [apps.NAME]`
    : gateWords.some((word) => word === key)
    ? `${key} stands below [gate]`
    : approveWords.some((word) => word === key)
    ? `${key} stands below [approve]`
    : limitWords.some((word) => word === key)
    ? `${key} stands below [limits]`
    : upstreamWords.some((word) => word === key)
    ? `${key} stands below [upstreams.NAME]`
    : undefined
  if (table !== undefined) return { place, message: `${key} does not belong at the top of the file`, hint: table }
  const message = `${quote(key)} is not known to this version of gripgate`
  const known = "known here are default, [operations], [apps.NAME], [anyone], [limits], [gate], [approve] "
    + "and [upstreams.NAME]"
  return { place, message, hint: didYouMean(key, topWords) ?? known }
}
