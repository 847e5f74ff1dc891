// What is known of a key, and whom it is believed from.
import { assert, describe, it } from "@effect/vitest"
import { keyIndex, makeKeyIndex } from "@gripgate/policy/keys/key-index"
import { grip } from "../read.ts"
import { certificate, key, worldOf } from "./world.ts"

describe("keyIndex", () => {
  const alice = certificate("1", [key("2", "encrypt")], { userIds: ["Alice <alice@example.org>", "alice@example.net"] })
  const mallory = certificate("8", [key("2", "encrypt", "sign")], { userIds: ["Mallory"] })
  const trudy = certificate("9", [key("2", "authenticate")])

  it("tells fingerprint, key id, first user id and capabilities", () => {
    const known = keyIndex(worldOf([alice], "12"))
    assert.deepStrictEqual(known(grip("2")), {
      fingerprint: "2".repeat(40),
      keyId: "2".repeat(16),
      userId: "Alice <alice@example.org>",
      capabilities: new Set(["encrypt"] as const)
    })
    assert.isUndefined(known(grip("3")))
  })

  it("believes the owner's certificate and no stranger's, in whatever order they stand", () => {
    for (const certificates of [[alice, mallory, trudy], [trudy, mallory, alice]]) {
      assert.deepStrictEqual(
        keyIndex(worldOf(certificates, "1"))(grip("2"))?.capabilities,
        new Set(["encrypt"] as const)
      )
    }
  })

  it("believes the only certificate where none is the owner's, and none of several", () => {
    assert.strictEqual(keyIndex(worldOf([mallory], "1"))(grip("2"))?.userId, "Mallory")
    assert.isUndefined(keyIndex(worldOf([mallory, trudy], "1"))(grip("2")))
  })

  it("believes no stranger what a key may do, not even the only one who has it", () => {
    for (const stranger of [mallory, trudy]) {
      const known = keyIndex(worldOf([stranger], "12"))(grip("2"))
      assert.strictEqual(known?.fingerprint, "2".repeat(40))
      assert.isUndefined(known?.capabilities)
    }
    // nor whoever made the primary key through the gate, though the agent has it
    assert.isUndefined(keyIndex(worldOf([mallory], "128", "8"))(grip("2"))?.capabilities)
  })

  it("does not know what a key may do that stands in two certificates of the owner's", () => {
    assert.isUndefined(keyIndex(worldOf([alice, mallory], "18"))(grip("2"))?.capabilities)
  })

  it("adds up what one certificate says about a key that stands in it twice", () => {
    const twice = certificate("1", [key("2", "encrypt"), { ...key("2", "sign"), fingerprint: "3".repeat(40) }])
    assert.deepStrictEqual(
      keyIndex(worldOf([twice], "1"))(grip("2"))?.capabilities,
      new Set(["encrypt", "sign"] as const)
    )
  })

  it("takes a certificate that is listed twice for one", () => {
    const longer = certificate("1", [key("2", "encrypt"), key("3", "sign")], { userIds: ["alice@example.com"] })
    const index = makeKeyIndex(worldOf([alice, longer], "1"))
    assert.strictEqual(index.ofGrip(grip("2")).length, 1)
    assert.strictEqual(index.ofAddress("alice@example.com")[0], index.ofAddress("alice@example.net")[0])
    assert.deepStrictEqual(index.known(grip("3"))?.capabilities, new Set(["sign"] as const))
  })
})
