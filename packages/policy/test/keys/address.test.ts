// Whose address a user id says to be.
import { assert, describe, it } from "@effect/vitest"
import { addressOf } from "@gripgate/policy/keys/address"

describe("addressOf", () => {
  it("takes what stands between the only brackets, in lower case", () => {
    assert.strictEqual(addressOf("Alice Example (work) <Alice@Example.ORG>"), "alice@example.org")
    assert.strictEqual(addressOf("<alice@example.org>"), "alice@example.org")
    assert.strictEqual(addressOf("Grün <grün@example.org>"), "grün@example.org")
  })

  it("takes the whole user id where it is an address", () => {
    assert.strictEqual(addressOf("alice@example.org"), "alice@example.org")
    assert.isUndefined(addressOf("Alice alice@example.org"))
    assert.isUndefined(addressOf(" alice@example.org"))
  })

  it("never takes what stands beside the brackets", () => {
    assert.strictEqual(addressOf("alice@example.org <evil@example.net>"), "evil@example.net")
    assert.strictEqual(addressOf("\"alice@example.org\" <evil@example.net>"), "evil@example.net")
  })

  it("finds none where there could be two, or where something is odd", () => {
    const odd = [
      "<alice@example.org> <evil@example.net>",
      "Alice <alice@example.org",
      "Alice alice@example.org>",
      ">alice@example.org<",
      "<<alice@example.org>>",
      "Alice <alice@example.org, evil@example.net>",
      "Alice <alice@example.org >",
      "Alice <alice@evil@example.org>",
      "Alice <alice>",
      "Alice <>",
      "Alice <alice@example.org\u202e>",
      "Alice <alice@example.org\u0000>",
      "Alice <al\ufffdce@example.org>",
      ""
    ]
    for (const userId of odd) assert.isUndefined(addressOf(userId), userId)
  })

  it("does not let a letter outside ASCII become one inside it", () => {
    assert.strictEqual("\u212a".toLowerCase(), "k")
    assert.isUndefined(addressOf("Kim <\u212aim@example.org>"))
    assert.isUndefined(addressOf("Ian <\u0130an@example.org>"))
  })
})
