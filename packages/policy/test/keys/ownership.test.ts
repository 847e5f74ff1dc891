// Whose a certificate is.
import { assert, describe, it } from "@effect/vitest"
import { isOwn } from "@gripgate/policy/keys/ownership"
import { certificate, key, worldOf } from "./world.ts"

describe("isOwn", () => {
  const plain = certificate("1", [key("2", "encrypt")], { userIds: ["alice@example.org"] })
  const ultimate = certificate("1", [key("2", "encrypt")], { ultimate: true })

  it("says yes where the agent has the secret of the primary key", () => {
    assert.isTrue(isOwn(plain, worldOf([plain], "1")))
  })

  it("says no where it has only that of a subkey, which anybody can adopt", () => {
    assert.isFalse(isOwn(plain, worldOf([plain], "2")))
    assert.isFalse(isOwn(plain, worldOf([plain], "")))
    assert.isFalse(isOwn(plain, { certificates: [plain], secret: undefined, made: new Set() }))
  })

  it("says yes where it is trusted ultimately, as with a primary key that is kept elsewhere", () => {
    assert.isTrue(isOwn(ultimate, worldOf([ultimate], "2")))
    assert.isTrue(isOwn(ultimate, { certificates: [ultimate], secret: undefined, made: new Set() }))
  })

  it("says no where an app made the primary key, trusted or not", () => {
    assert.isFalse(isOwn(plain, worldOf([plain], "12", "1")))
    assert.isFalse(isOwn(ultimate, worldOf([ultimate], "12", "1")))
    assert.isTrue(isOwn(plain, worldOf([plain], "12", "2")))
  })
})
