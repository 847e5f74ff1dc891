// The other way round, by a small reader of systemd.syntax(7): what it reads is what was meant.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { argument, program, wholePath, word } from "../../src/units/quote.ts"

/** Words of a value, with C's escapes in double quotes (systemd extract-word.c), and specifiers and variables put back. */
const read = (value: string, variables: boolean): ReadonlyArray<string> => {
  const words: Array<string> = []
  const pattern = /"((?:[^"\\]|\\.)*)"|([^\s"]+)/g
  for (const [, quoted, plain] of value.matchAll(pattern)) {
    const bytes = (quoted ?? plain!).replace(
      /\\x([0-9a-f]{2})|\\(.)/g,
      (_, hex: string | undefined, char: string) =>
        hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16))
    )
    const text = /\\x/.test(quoted ?? "") ? Buffer.from(bytes, "latin1").toString("latin1") : bytes
    const unspecified = text.replaceAll("%%", "%")
    words.push(variables ? unspecified.replaceAll("$$", "$") : unspecified)
  }
  return words
}

const texts = fc.string({ unit: "grapheme-ascii", maxLength: 20 })

describe("quote", () => {
  it("writes one word, which is read back as it was", () => {
    fc.assert(fc.property(texts, (text) => {
      assert.deepStrictEqual(read(word(text), false), [text])
      assert.deepStrictEqual(read(argument(text), true), [text])
      assert.deepStrictEqual(read(program(text), false), [text])
    }))
  })

  it("leaves plain words plain, and lets nothing of a path mean something to systemd", () => {
    assert.strictEqual(argument("/usr/bin/node"), "/usr/bin/node")
    assert.strictEqual(argument("/a b/50%t/$HOME"), "\"/a b/50%%t/$$HOME\"")
    assert.strictEqual(word("/a\"b\\c"), "\"/a\\\"b\\\\c\"")
    assert.strictEqual(argument("a\nExecStart=/bin/sh"), "\"a\\x0aExecStart=/bin/sh\"")
    assert.strictEqual(word(""), "\"\"")
    assert.strictEqual(argument("ä;b"), "\"ä;b\"")
  })

  it("gives no value for a path that a line cannot hold", () => {
    assert.strictEqual(wholePath("/run/50% x/S"), "/run/50%% x/S")
    for (const path of ["/a\nb", "/a\tb", "/a ", "/a\\"]) assert.isUndefined(wholePath(path))
  })
})
