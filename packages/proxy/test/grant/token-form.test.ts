import { assert, describe, it } from "@effect/vitest"
import { hasTokenForm } from "@gripgate/proxy/grant/token-form"

describe("hasTokenForm", () => {
  it("knows the form, whether or not the token is one", () => {
    for (const text of ["gg1-a-b-c", "gg1-7Q2M-KXJ4A9P0-3F", `gg1-${"A".repeat(20)}-${"z9".repeat(60)}-00`]) {
      assert.isTrue(hasTokenForm(Buffer.from(text)), text)
    }
  })
  it("knows it with something around it, as it comes out of files and out of an environment", () => {
    const around = [
      "gg1-a-b-c\r",
      " gg1-a-b-c ",
      "\"gg1-a-b-c\"",
      "gripgate:gg1-a-b-c",
      "PINENTRY_USER_DATA=gripgate:gg1-a-b-c of its own",
      "GG1-A-B-C",
      "gg1-gg1-a-b-c"
    ]
    for (const text of around) assert.isTrue(hasTokenForm(Buffer.from(text)), text)
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
      "gg-a-b-c-d",
      "gg1 a-b-c",
      "g g1-a-b-c",
      "gg1-ä-b-c"
    ]
    for (const text of others) assert.isFalse(hasTokenForm(Buffer.from(text)), text)
  })
})
