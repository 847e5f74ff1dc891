import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Key, nothingRead, readKeys } from "../../../src/verbs/watch/keys.ts"

/** The keys of these pieces, one after the other. */
const keysOf = (...pieces: ReadonlyArray<string>): ReadonlyArray<Key> => {
  let reading = nothingRead
  return pieces.flatMap((piece) => {
    const [next, keys] = readKeys(reading, piece)
    reading = next
    return keys
  })
}

const heard = (...pieces: ReadonlyArray<string>) => keysOf(...pieces).filter((key) => key !== "other")

describe("readKeys", () => {
  it("tells letters, cursor keys in both modes, and control keys", () => {
    assert.deepStrictEqual(keysOf("yA?"), ["char:y", "char:A", "char:?"])
    assert.deepStrictEqual(heard("\u001b[A\u001b[B\u001bOA\u001bOB\u001b[5~\u001b[6~"), [
      "up",
      "down",
      "up",
      "down",
      "pageUp",
      "pageDown"
    ])
    assert.deepStrictEqual(keysOf("\u0003\u001a\u000c\r\u007f"), ["interrupt", "suspend", "redraw", "other", "other"])
  })

  it("takes no part of a sequence for a letter", () => {
    // Alt-y, keypad 9, F12, a mouse, what a terminal says of itself, of its colours, and of its name
    for (
      const sequence of [
        "\u001by",
        "\u001bOy",
        "\u001b[24~",
        "\u001b[<0;12;7M",
        "\u001b[?62;22c",
        "\u001b]11;rgb:ffff/ffff/yyyy\u0007",
        "\u001bP>|wezterm Any\u001b\\",
        "\u001b\u001b[A"
      ]
    ) {
      assert.deepStrictEqual(heard(sequence).filter((key) => key !== "up"), [], JSON.stringify(sequence))
      assert.deepStrictEqual(heard(`${sequence}q`).at(-1), "char:q", JSON.stringify(sequence))
    }
  })

  it("drops what is pasted, whatever is in it", () => {
    assert.deepStrictEqual(heard("\u001b[200~yes\nA\u001b[201y\u0003y\u001b[201~n"), ["char:n"])
  })

  it("does not mind where what comes is cut", () => {
    const parts = ["y", "\u001b[A", "\u001bOy", "\u001b[200~yy\u001b[201~", "\u001b[6~", "\u001b]0;y\u0007", "N"]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...parts), { maxLength: 8 }),
        fc.infiniteStream(fc.boolean()),
        (all, cuts) => {
          const text = all.join("")
          const pieces: Array<string> = [""]
          for (const character of text) {
            if (cuts.next().value) pieces.push("")
            pieces[pieces.length - 1] += character
          }
          assert.deepStrictEqual(keysOf(...pieces), keysOf(text))
        }
      ),
      { seed: 1 }
    )
  })

  it("finds out of what never ends, by Ctrl-C and by Esc", () => {
    assert.deepStrictEqual(heard("\u001b]0;yy\u0003q"), ["interrupt", "char:q"])
    assert.deepStrictEqual(heard("\u001b[1\u0003q"), ["interrupt", "char:q"])
    assert.deepStrictEqual(heard("\u001bP", "yy", "\u001b[B", "q"), ["down", "char:q"])
  })
})
