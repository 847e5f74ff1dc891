import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { codeOf, reasonOf } from "../src/reason.ts"

const thrown = (call: () => unknown): unknown => {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error("expected it to throw")
}

describe("reasonOf", () => {
  it("is what the system says, without code and path", () => {
    assert.strictEqual(reasonOf(thrown(() => readFileSync("/nowhere/at/all"))), "no such file or directory")
    assert.strictEqual(reasonOf("EACCES"), "permission denied")
  })

  it("is the message of what the system has no word for", () => {
    assert.strictEqual(reasonOf(new Error("expected a number")), "expected a number")
    assert.strictEqual(reasonOf("EWHATEVER"), "EWHATEVER")
    assert.strictEqual(reasonOf(undefined), "undefined")
  })
})

describe("codeOf", () => {
  it("is the code where there is one", () => {
    assert.strictEqual(codeOf(thrown(() => readFileSync("/nowhere/at/all"))), "ENOENT")
    assert.isUndefined(codeOf(new Error("x")))
    assert.isUndefined(codeOf(undefined))
  })
})
