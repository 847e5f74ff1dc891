import { assert, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"

describe("builtin", () => {
  it("is a policy of nothing but a default, from no file", () => {
    for (const byDefault of ["allow", "ask", "forbid"] as const) {
      const policy = builtin(byDefault)
      assert.isUndefined(policy.file)
      assert.deepStrictEqual(policy.default, { verdict: byDefault, text: `default = "${byDefault}"` })
      assert.strictEqual(policy.apps.size + policy.operations.size + (policy.anyone?.operations.size ?? 0), 0)
    }
  })
})
