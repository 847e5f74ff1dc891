import { assert, describe, it } from "@effect/vitest"
import { isVerdict, strictest, type Verdict } from "@gripgate/policy/verdict"

describe("verdict", () => {
  it("finds the strictest of two in either order", () => {
    const pairs: ReadonlyArray<readonly [Verdict, Verdict, Verdict]> = [
      ["allow", "allow", "allow"],
      ["allow", "ask", "ask"],
      ["allow", "token", "token"],
      ["allow", "forbid", "forbid"],
      ["ask", "ask", "ask"],
      ["ask", "token", "token"],
      ["ask", "forbid", "forbid"],
      ["token", "token", "token"],
      ["token", "forbid", "forbid"],
      ["forbid", "forbid", "forbid"]
    ]
    for (const [a, b, expected] of pairs) {
      assert.strictEqual(strictest(a, b), expected)
      assert.strictEqual(strictest(b, a), expected)
    }
  })

  it("finds the strictest of one and of many", () => {
    assert.strictEqual(strictest("token"), "token")
    assert.strictEqual(strictest("allow", "token", "ask", "allow"), "token")
    assert.strictEqual(strictest("forbid", "token", "allow", "ask"), "forbid")
  })

  it("knows the four words and no other spelling", () => {
    for (const word of ["allow", "ask", "token", "forbid"]) assert.isTrue(isVerdict(word))
    for (const word of ["", "Allow", "deny", "toString", "__proto__"]) assert.isFalse(isVerdict(word))
  })
})
