import { assert, describe, it } from "@effect/vitest"
import { distance, suggest } from "@gripgate/policy/file/suggest"
import * as fc from "fast-check"

/** The definition, by recursion and without regard to speed. */
const defined = (a: string, b: string): number => {
  if (a === "" || b === "") return a.length + b.length
  const costs = [
    defined(a.slice(1), b) + 1,
    defined(a, b.slice(1)) + 1,
    defined(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1)
  ]
  if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]) costs.push(defined(a.slice(2), b.slice(2)) + 1)
  return Math.min(...costs)
}

describe("distance", () => {
  it("counts insertions, deletions, replacements and swaps of neighbours", () => {
    for (
      const [a, b, expected] of [
        ["", "", 0],
        ["sign", "sign", 0],
        ["sgin", "sign", 1],
        ["sig", "sign", 1],
        ["signn", "sign", 1],
        ["sigm", "sign", 1],
        ["kitten", "sitting", 3],
        ["ca", "abc", 3],
        ["", "ask", 3]
      ] as const
    ) {
      assert.strictEqual(distance(a, b), expected, `${a} ${b}`)
    }
  })

  it("is what the definition says, for short words", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 5 })
    fc.assert(fc.property(word, word, (a, b) => assert.strictEqual(distance(a, b), defined(a, b))), {
      seed: 20160614,
      numRuns: 300
    })
  })
})

describe("suggest", () => {
  it("finds the nearest word, and none where the distance is too great for the length", () => {
    const words = ["list", "sign", "decrypt", "keys", "export", "import", "ask"]
    for (
      const [word, expected] of [
        ["sgin", "sign"],
        ["SIGN", "sign"],
        ["key", "keys"],
        ["ak", "ask"],
        ["decript", "decrypt"],
        ["dcript", "decrypt"],
        ["exprot", "export"],
        ["inport", "import"],
        ["limit", undefined],
        ["match", undefined],
        ["dcrip", undefined],
        ["x".repeat(1_000_000), undefined],
        ["", undefined]
      ] as const
    ) {
      assert.strictEqual(suggest(word, words), expected, word.slice(0, 20))
    }
  })
})
