import { assert, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"
import { sees, visible } from "@gripgate/policy/visible"
import { grip, policyOf } from "./read.ts"

const app = (keys: string) => ["[apps.git]", "socket = \"git\"", `keys = [${keys}]`]

describe("visible", () => {
  it("shows an app the keys it lists, whatever the default", () => {
    for (const byDefault of ["allow", "ask", "forbid"]) {
      const policy = policyOf(`default = "${byDefault}"`, ...app(`"grip:${grip("a")}", "grip:${grip("B")}"`))
      assert.deepStrictEqual(sees(policy, "git"), new Set([grip("A"), grip("B")]))
      assert.isTrue(visible(policy, "git", grip("A")))
      assert.isTrue(visible(policy, "git", grip("B")))
      assert.isFalse(visible(policy, "git", grip("C")))
    }
  })

  it("shows an app with \"*\" every key and an app with [] none", () => {
    const all = policyOf("default = \"forbid\"", ...app("\"*\""))
    assert.strictEqual(sees(all, "git"), "all")
    assert.isTrue(visible(all, "git", grip("A")))
    const none = policyOf("default = \"allow\"", ...app(""))
    assert.strictEqual(sees(none, "git"), "none")
    assert.isFalse(visible(none, "git", grip("A")))
  })

  it("shows whoever is no app all keys under allow and none otherwise, with and without an empty [anyone]", () => {
    for (const [byDefault, expected] of [["allow", "all"], ["ask", "none"], ["forbid", "none"]] as const) {
      for (const rest of [[], ["[anyone]"], ["[anyone]", "sign = \"allow\""]]) {
        const policy = policyOf(`default = "${byDefault}"`, ...rest)
        assert.strictEqual(sees(policy, undefined), expected)
        assert.strictEqual(visible(policy, undefined, grip("A")), expected === "all")
      }
    }
  })

  it("shows whoever is no app what [anyone] lists, whatever the default", () => {
    for (const byDefault of ["allow", "ask", "forbid"]) {
      const some = policyOf(`default = "${byDefault}"`, "[anyone]", `keys = ["grip:${grip("A")}"]`)
      assert.deepStrictEqual(sees(some, undefined), new Set([grip("A")]))
      assert.isFalse(visible(some, undefined, grip("B")))
      assert.strictEqual(sees(policyOf(`default = "${byDefault}"`, "[anyone]", "keys = []"), undefined), "none")
      assert.strictEqual(sees(policyOf(`default = "${byDefault}"`, "[anyone]", "keys = [\"*\"]"), undefined), "all")
    }
  })

  it("shows nothing to an app that the policy does not have", () => {
    const policy = policyOf("default = \"allow\"", "[anyone]", "keys = [\"*\"]")
    assert.strictEqual(sees(policy, "gone"), "none")
    assert.isFalse(visible(policy, "gone", grip("A")))
  })

  it("shows everybody all keys under each built-in policy", () => {
    for (const byDefault of ["allow", "ask", "forbid"] as const) {
      assert.strictEqual(sees(builtin(byDefault), undefined), "all")
      assert.isTrue(visible(builtin(byDefault), undefined, grip("A")))
    }
  })
})
