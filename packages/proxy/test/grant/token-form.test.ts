import { assert, describe, it } from "@effect/vitest"
import { hasTokenForm } from "@gripgate/proxy/grant/token-form"

describe("hasTokenForm", () => {
  it("knows the form, whether or not the token is one", () => {
    for (const text of ["gg1-a-b-c", "gg1-7Q2M-KXJ4A9P0-3F", `gg1-${"A".repeat(20)}-${"z9".repeat(60)}-00`]) {
      assert.isTrue(hasTokenForm(Buffer.from(text)), text)
    }
  })
  it("leaves every other passphrase alone", () => {
    const others = [
      "",
      "gg1-",
      "gg1---",
      "gg1-a-b",
      "gg1-a-b-",
      "gg1-a--c",
      "gg1-a-b-c-d",
      "gg2-a-b-c",
      "Gg1-a-b-c",
      " gg1-a-b-c",
      "gg1-a-b-c d",
      "gg1-ä-b-c"
    ]
    for (const text of others) assert.isFalse(hasTokenForm(Buffer.from(text)), text)
  })
})
