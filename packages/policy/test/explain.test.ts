import { assert, describe, it } from "@effect/vitest"
import { explain } from "@gripgate/policy/explain"
import type { Operation } from "@gripgate/protocol/operation"
import { grip, policyOf } from "./read.ts"

const policy = policyOf(
  "default = \"ask\"",
  "[operations]",
  "sign = \"forbid\"",
  "certify = \"token\"",
  "admin = \"allow\"",
  "[apps.git]",
  "socket = \"git\"",
  `keys = ["grip:${grip("A")}"]`,
  "sign = \"allow\""
)

const told = (app: string | undefined, operation: Operation, digit?: string): ReadonlyArray<string> =>
  explain(policy, { app, operation, keygrip: digit === undefined ? undefined : grip(digit) }).considered.map((each) =>
    `${each.holds ? "+" : "-"} ${each.where} ${each.operation} | ${each.entry.text} | ${each.why}`
  )

describe("explain", () => {
  it("shows every level of an operation that several name", () => {
    assert.deepStrictEqual(told("git", "sign"), [
      "+ app sign | [apps.git] sign = \"allow\" | [apps.git] names sign, and nothing is more specific",
      "- operations sign | [operations] sign = \"forbid\" | less specific than [apps.git] sign = \"allow\"",
      "- default sign | default = \"ask\" | only for what nothing names: [apps.git] sign = \"allow\""
    ])
  })

  it("shows that certify named in [operations] holds over the app's sign", () => {
    assert.deepStrictEqual(told("git", "certify"), [
      "+ operations certify | [operations] certify = \"token\" | [apps.git] does not name certify",
      "- app sign | [apps.git] sign = \"allow\" | certify is named itself: [operations] certify = \"token\"",
      "- operations sign | [operations] sign = \"forbid\" | certify is named itself: [operations] certify = \"token\"",
      "- default certify | default = \"ask\" | only for what nothing names: [operations] certify = \"token\""
    ])
  })

  it("shows that authenticate follows sign where nothing names it", () => {
    assert.deepStrictEqual(told("git", "authenticate"), [
      "+ app sign | [apps.git] sign = \"allow\" | nothing names authenticate, and it follows sign then",
      "- operations sign | [operations] sign = \"forbid\" | less specific than [apps.git] sign = \"allow\"",
      "- default authenticate | default = \"ask\" | only for what nothing names: [apps.git] sign = \"allow\""
    ])
  })

  it("shows the built-in rule that speaks in place of the default, and the entry that beats it", () => {
    assert.deepStrictEqual(told(undefined, "prompt"), [
      "+ rule prompt | default = \"ask\" keeps prompt from the agent | nothing names prompt, and it is an exception from the default",
      "- default prompt | default = \"ask\" | does not speak for prompt: default = \"ask\" keeps prompt from the agent"
    ])
    assert.deepStrictEqual(told(undefined, "admin"), [
      "+ operations admin | [operations] admin = \"allow\" | [anyone] does not name admin",
      "- rule admin | default = \"ask\" refuses admin | only for what nothing names: [operations] admin = \"allow\"",
      "- default admin | default = \"ask\" | only for what nothing names: [operations] admin = \"allow\""
    ])
  })

  it("shows the default where nothing else speaks", () => {
    assert.deepStrictEqual(told("git", "export"), ["+ default export | default = \"ask\" | nothing names export"])
  })

  it("shows that a hidden key ends everything before the entries are reached", () => {
    assert.deepStrictEqual(told("git", "sign", "B"), [
      "+ app sign | [apps.git] keys does not name this key | the key does not exist for this client",
      "- app sign | [apps.git] sign = \"allow\" | not reached: no entry can give what was refused before",
      "- operations sign | [operations] sign = \"forbid\" | not reached: no entry can give what was refused before",
      "- default sign | default = \"ask\" | not reached: no entry can give what was refused before"
    ])
    assert.deepStrictEqual(told(undefined, "export", "A"), [
      "+ rule export | [anyone] without keys sees none under default = \"ask\" | the key does not exist for this client",
      "- default export | default = \"ask\" | not reached: no entry can give what was refused before"
    ])
  })

  it("says so when the policy does not have the app", () => {
    assert.deepStrictEqual(told("gone", "export"), [
      "+ rule export | an app that the policy does not have may do nothing | the policy has no [apps.gone]",
      "- default export | default = \"ask\" | not reached: no entry can give what was refused before"
    ])
  })
})
