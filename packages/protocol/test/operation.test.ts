// The words that a policy may name.
import { assert, describe, it } from "@effect/vitest"
import { isOperation, operations } from "../src/operation.ts"

describe("operations", () => {
  it("are these eighteen, each once, in the order of the documents", () => {
    const words =
      "list sign certify authenticate decrypt loopback passphrase cache generate import export passwd delete "
      + "trust card store prompt admin"
    assert.strictEqual(operations.join(" "), words)
    assert.strictEqual(new Set(operations).size, 18)
  })

  it("are known by exactly their names", () => {
    for (const word of operations) assert.isTrue(isOperation(word))
    for (const word of ["Sign", "SIGN", "sign ", "", "signs", "default", "constructor", "__proto__", "toString"]) {
      assert.isFalse(isOperation(word), word)
    }
  })
})
