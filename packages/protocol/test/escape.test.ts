// Both ways of the percent escapes of D lines. The decoder that results are held against is a regular expression.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { decodeData, decodeDataInto, decodedLength, encodeDataLines } from "../src/escape.ts"

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1")

/** The bytes of whole D lines, each checked for its form and length. */
const decoded = (lines: Buffer): string => {
  const text = lines.toString("latin1")
  if (text === "") return ""
  assert.isTrue(text.endsWith("\n"))
  return text.slice(0, -1).split("\n").map((line) => {
    assert.match(line, /^D (?:[^%\r]|%25|%0D|%0A)+$/s)
    assert.isAtMost(line.length, 1000)
    return line.slice(2).replace(/%(25|0D|0A)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  }).join("")
}

const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("")

describe("encodeDataLines", () => {
  it("writes no line for no data", () => {
    assert.strictEqual(encodeDataLines(Buffer.alloc(0)).length, 0)
  })

  it("escapes percent, CR and LF as libassuan does, and nothing else", () => {
    assert.strictEqual(encodeDataLines(latin1("2.2.40")).toString(), "D 2.2.40\n")
    assert.strictEqual(encodeDataLines(latin1("a%b\rc\nd")).toString(), "D a%25b%0Dc%0Ad\n")
    assert.strictEqual(encodeDataLines(latin1("\0 \x7f\xff+\t")).toString("latin1"), "D \0 \x7f\xff+\t\n")
  })

  it("fills a line with 998 bytes of payload and begins another with the next", () => {
    const linesOf = (length: number): ReadonlyArray<number> =>
      encodeDataLines(latin1("x".repeat(length))).toString().slice(0, -1).split("\n").map((line) => line.length)
    assert.deepStrictEqual([997, 998, 999, 1000, 1001].map(linesOf), [
      [999],
      [1000],
      [1000, 3],
      [1000, 4],
      [1000, 5]
    ])
    assert.deepStrictEqual(linesOf(2 * 998), [1000, 1000])
    assert.deepStrictEqual(linesOf(2 * 998 + 1), [1000, 1000, 3])
  })

  it("never cuts an escape in two", () => {
    for (const before of [994, 995, 996, 997, 998, 999]) {
      const data = `${"x".repeat(before)}%${"y".repeat(3)}`
      assert.strictEqual(decoded(encodeDataLines(latin1(data))), data)
    }
    assert.strictEqual(
      encodeDataLines(latin1(`${"x".repeat(996)}%`)).toString(),
      `D ${"x".repeat(996)}\nD %25\n`
    )
    assert.strictEqual(encodeDataLines(latin1(`${"x".repeat(995)}%`)).toString(), `D ${"x".repeat(995)}%25\n`)
  })

  it("carries every byte, also where all need an escape", () => {
    for (
      const data of [every, every.repeat(5), "%".repeat(2000), "\n".repeat(332), "\r".repeat(333), "a%".repeat(900)]
    ) {
      assert.strictEqual(decoded(encodeDataLines(latin1(data))), data)
    }
  })

  it("carries bytes of any mixture and length", () => {
    const byte = fc.oneof(fc.constantFrom(0x25, 0x0d, 0x0a), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 3000, size: "max" }), (bytes) => {
        const data = Buffer.from(bytes)
        assert.strictEqual(decoded(encodeDataLines(data)), data.toString("latin1"))
      }),
      { seed: 998, numRuns: 200 }
    )
  })
})

const bad = [
  "%",
  "%4",
  "abc%4",
  "abc%",
  "%zz",
  "%4z",
  "%z4",
  "%%",
  "%%41",
  "% 41",
  "%-1",
  "%+1",
  "%0x",
  "%4\0",
  "%41%",
  "%G0"
]

describe("decodeData", () => {
  it("takes hexadecimal of either case for any byte", () => {
    for (let byte = 0; byte < 256; byte++) {
      const hex = byte.toString(16).padStart(2, "0")
      for (const spelling of [hex, hex.toUpperCase(), hex[0]! + hex[1]!.toUpperCase()]) {
        assert.deepStrictEqual(
          decodeData(latin1(`a%${spelling}b`))?.toString("latin1"),
          `a${String.fromCharCode(byte)}b`
        )
      }
    }
  })

  it("leaves everything else alone", () => {
    const plain = every.replace("%", "")
    assert.strictEqual(decodeData(latin1(plain))?.toString("latin1"), plain)
    assert.strictEqual(decodeData(latin1("a+b %2541"))?.toString("latin1"), "a+b %41")
    assert.strictEqual(decodeData(Buffer.alloc(0))?.length, 0)
  })

  it("refuses what makes an agent loop for ever, and what it would decode to garbage", () => {
    for (const payload of bad) {
      assert.isUndefined(decodeData(latin1(payload)), payload)
      assert.strictEqual(decodedLength(latin1(payload)), -1, payload)
      assert.strictEqual(decodeDataInto(latin1(payload), Buffer.alloc(20), 0), -1, payload)
    }
  })

  it("takes two characters behind a percent sign as hexadecimal exactly where both are", () => {
    const isHex = /^[0-9A-Fa-f]{2}$/
    for (const high of every) {
      for (const low of every) {
        const payload = latin1(`%${high}${low}`)
        assert.strictEqual(decodedLength(payload), isHex.test(high + low) ? 1 : -1)
        if (isHex.test(high + low)) assert.strictEqual(decodeData(payload)![0], parseInt(high + low, 16))
      }
    }
  })

  it("undoes what was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 900 }), (bytes) => {
        const data = Buffer.from(bytes)
        const lines = encodeDataLines(data).toString("latin1").split("\n").slice(0, -1)
        const back = lines.map((line) => decodeData(latin1(line.slice(2)))!)
        assert.deepStrictEqual(Buffer.concat(back), data)
      }),
      { seed: 25, numRuns: 300 }
    )
  })
})

describe("decodeDataInto", () => {
  it("writes behind what is there and says where it stopped", () => {
    const target = Buffer.alloc(8, "-")
    const after = decodeDataInto(latin1("a%62c"), target, 2)
    assert.deepStrictEqual([after, target.toString()], [5, "--abc---"])
    assert.strictEqual(decodeDataInto(latin1("%64ef"), target, after), 8)
    assert.strictEqual(target.toString(), "--abcdef")
  })

  it("refuses what does not fit, and takes nothing where nothing more fits", () => {
    assert.strictEqual(decodeDataInto(latin1("abc"), Buffer.alloc(2), 0), -1)
    assert.strictEqual(decodeDataInto(latin1("%61%62%63"), Buffer.alloc(2), 0), -1)
    assert.strictEqual(decodeDataInto(latin1("%61%62"), Buffer.alloc(2), 0), 2)
    assert.strictEqual(decodeDataInto(latin1("a"), Buffer.alloc(2), 2), -1)
    assert.strictEqual(decodeDataInto(Buffer.alloc(0), Buffer.alloc(2), 2), 2)
  })
})
