import { assert, describe, it } from "@effect/vitest"
import { disjoint, isGlob, matchesGlob } from "@gripgate/policy/client/glob"
import * as fc from "fast-check"

describe("matchesGlob", () => {
  const cases: ReadonlyArray<readonly [string, string, boolean]> = [
    ["/usr/bin/git", "/usr/bin/git", true],
    ["/usr/bin/git", "/usr/bin/git2", false],
    ["/usr/bin/*", "/usr/bin/git", true],
    ["/usr/bin/*", "/usr/bin/", true],
    ["/usr/bin/*", "/usr/bin/x/git", false],
    ["/usr/**", "/usr/bin/x/git", true],
    ["/usr/**/git", "/usr/bin/x/git", true],
    ["**/git", "/home/me/git", true],
    ["*.service", "mail.service", true],
    ["*.service", "mail.scope", false],
    ["gi?", "git", true],
    ["gi?", "gi/", false],
    ["gi?", "gi", false],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["a\\", "a\\", true],
    ["", "", true],
    ["*", "", true],
    ["?", "😀", true],
    ["/usr/bin/*", "/USR/bin/git", false]
  ]
  for (const [pattern, text, expected] of cases) {
    it(`${JSON.stringify(pattern)} ${expected ? "is" : "is not"} ${JSON.stringify(text)}`, () => {
      assert.strictEqual(matchesGlob(pattern, text), expected)
    })
  }

  it("agrees with a regular expression made of the same pattern", () => {
    const word = fc.array(fc.constantFrom("a", "b", "/", "*", "**", "?", "\\*"), { maxLength: 8 }).map((parts) =>
      // three stars in a row would be read in another way
      parts.join("").replace(/\*{3,}/g, "**")
    )
    const text = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), maxLength: 10 })
    fc.assert(fc.property(word, text, (pattern, text) => {
      const source = pattern.replace(
        /\\\*|\*\*|\*|\?|./gs,
        (part) => part === "**" ? ".*" : part === "*" ? "[^/]*" : part === "?" ? "[^/]" : part === "\\*" ? "\\*" : part
      )
      assert.strictEqual(matchesGlob(pattern, text), new RegExp(`^${source}$`, "su").test(text))
    }))
  })

  it("does not take longer the more a client writes into its command line", () => {
    // a regular expression would be at this for hours
    assert.isFalse(matchesGlob(`${"**a".repeat(20)}b`, "a".repeat(4096)))
  })
})

describe("disjoint", () => {
  it("says so only where it is certain", () => {
    assert.isTrue(disjoint("/usr/bin/git", "/usr/bin/gpg"))
    assert.isFalse(disjoint("/usr/bin/git", "/usr/bin/git"))
    assert.isTrue(disjoint("/usr/bin/*", "/opt/git"))
    assert.isFalse(disjoint("/usr/bin/*", "/usr/bin/git"))
    assert.isTrue(disjoint("/usr/*", "/opt/*"))
    assert.isFalse(disjoint("/usr/*", "/usr/b*"))
    assert.isFalse(disjoint("*a", "*b"))
  })

  it("never calls two values disjoint that some text fits both", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 5 }).map((text) =>
      text.replace(/\*{3,}/g, "**")
    )
    const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 5 })
    fc.assert(
      fc.property(word, word, text, (one, other, text) => {
        if (matchesGlob(one, text) && matchesGlob(other, text)) assert.isFalse(disjoint(one, other))
      }),
      { numRuns: 2000 }
    )
  })

  it("knows a glob from a text", () => {
    assert.isTrue(isGlob("a*"))
    assert.isFalse(isGlob("a.b"))
  })
})
