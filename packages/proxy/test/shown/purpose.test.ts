import { assert, describe, it } from "@effect/vitest"
import { purposeOf } from "../../src/shown/purpose.ts"

describe("purposeOf", () => {
  it("says what a use amounts to", () => {
    assert.strictEqual(purposeOf("PKSIGN", ["sign"]), "sign")
    assert.strictEqual(purposeOf("PKSIGN", ["sign", "certify"]), "sign or certify keys")
    assert.strictEqual(purposeOf("IMPORT_KEY", ["import", "delete"]), "bring in a secret key and delete a secret key")
    assert.strictEqual(purposeOf("SCD PKSIGN", ["card"]), "sign with the smart card")
    assert.strictEqual(purposeOf("NOP", []), "use gpg-agent")
  })

  it("says how a use reaches the agent only where the yes is for that", () => {
    assert.strictEqual(purposeOf("PKSIGN", ["sign", "loopback"], ["sign"]), "sign")
    const given = "give the passphrase itself"
    assert.strictEqual(purposeOf("PKSIGN", ["sign", "loopback"], ["loopback"]), `sign and ${given}`)
    assert.strictEqual(
      purposeOf("SCD PKSIGN", ["card", "loopback"], ["card", "loopback"]),
      `sign with the smart card and ${given}`
    )
    assert.strictEqual(purposeOf("PKSIGN", ["loopback"], ["loopback"]), given)
    assert.strictEqual(purposeOf("HAVEKEY", ["list"], ["list"]), "look at keys")
  })
})
