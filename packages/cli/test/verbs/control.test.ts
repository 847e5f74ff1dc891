import { assert, describe, it } from "@effect/vitest"
import { nearestControl } from "../../src/verbs/control.ts"

describe("nearestControl", () => {
  const own = "/run/user/7/gripgate/control"
  const system = "/run/gripgate/control"
  const nearest = (...there: ReadonlyArray<string>) => nearestControl(own, (path) => there.includes(path))

  it("is one's own gate, and that of the system where there is none", () => {
    assert.strictEqual(nearest(own, system), own)
    assert.strictEqual(nearest(own), own)
    assert.strictEqual(nearest(system), system)
    assert.strictEqual(nearest(), own, "which is where it would be, and what the error names")
  })
})
