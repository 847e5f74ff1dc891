// The policy: which one holds, whether it can be used, what the lint says of it, and whether others could change it.
import { IMITABLE } from "@gripgate/policy/lint/clients"
import { formatPlace } from "@gripgate/policy/policy"
import type { PolicyProblem } from "@gripgate/proxy/policy-file"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { dirname } from "node:path"
import { changedBy } from "./changed-by.ts"
import { command, type Finding, finding } from "./finding.ts"
import type { FindingId } from "./ids.ts"
import { canRead, look } from "./look/files.ts"
import type { LintFinding, Scene } from "./scene.ts"

const place = (file: string, { place }: PolicyProblem): string => place === undefined ? file : formatPlace(place)

const hinted = ({ hint, message }: PolicyProblem): string => hint === undefined ? message : `${message} (${hint})`

/** What the lint says, as findings; what a selector stands for is none. */
export const judgeLint = (file: string, linted: ReadonlyArray<LintFinding>): ReadonlyArray<Finding> =>
  linted.flatMap((each): ReadonlyArray<Finding> => {
    if (each.level === "info") return []
    const id: FindingId = each.level === "error"
      ? "policy.refuses"
      : each.message.includes(IMITABLE)
      ? "policy.advisory"
      : "policy.warning"
    return [finding(id, hinted(each), { where: place(file, each), fix: command("gripgate", "lint", file) })]
  })

const writable = (file: string, uid: number | undefined): ReadonlyArray<Finding> =>
  [file, dirname(file)].flatMap((path) => {
    const seen = look(path)
    const how = seen?.kind === "file" || seen?.kind === "folder" ? changedBy(seen, uid) : undefined
    if (how === undefined) return []
    const fix = how.startsWith("it belongs")
      ? command("chown", "--", String(uid), path)
      : command("chmod", "go-w", "--", path)
    return [finding("policy.writable", `others can change the policy: ${how}`, { where: path, fix })]
  })

export const policy = Effect.fnUntraced(function*(scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { order, policy } = scene
  const isHidden = policy !== undefined && Result.isFailure(policy.read) && !canRead(policy.file)
  if (order.app !== undefined && (policy === undefined || isHidden)) {
    return [
      finding("policy.hidden", "the policy is not seen from here", { where: policy?.file ?? order.paths.policyFile })
    ]
  }
  if (policy === undefined) {
    const message = "there is no policy, so everything is allowed"
    return [finding("policy.none", message, { where: order.paths.policyFile, fix: "gripgate serve --default ask" })]
  }
  const { file, read } = policy
  const others = writable(file, order.uid)
  if (Result.isFailure(read)) {
    const fix = command("gripgate", "lint", file)
    return [
      ...others,
      ...read.failure.map((each) => finding("policy.unusable", hinted(each), { where: place(file, each), fix }))
    ]
  }
  const { apps, default: byDefault } = read.success
  const linted = yield* order.lint(read.success, order.homedir)
  const summary = `default = "${byDefault.verdict}", ${apps.size === 1 ? "one app" : `${apps.size} apps`}`
  return [...others, ...judgeLint(file, linted), finding("policy.loaded", summary, { where: file })]
})
