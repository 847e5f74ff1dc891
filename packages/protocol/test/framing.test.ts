// Limits are libassuan's: 1001 bytes and LF are a line, 1002 are not (seen with GnuPG 2.2.40 to 2.5.12).
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { LineReader } from "../src/framing.ts"
import { MAX_LINE_IN, MAX_PENDING } from "../src/limits.ts"

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1")

/** Every line that is there now, as text, copied. */
const lines = (reader: LineReader): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let line = reader.next(); line !== undefined; line = reader.next()) found.push(line.toString("latin1"))
  return found
}

/** What comes out when the chunks go in one after another, each read to its end. */
const read = (reader: LineReader, ...chunks: ReadonlyArray<string>): ReadonlyArray<string> =>
  chunks.flatMap((chunk) => {
    reader.push(latin1(chunk))
    return lines(reader)
  })

/** The obvious way to do the same with everything at hand. */
const split = (text: string): ReadonlyArray<string> =>
  text.split("\n").slice(0, -1).map((line) => line.endsWith("\r") ? line.slice(0, -1) : line)

describe("LineReader", () => {
  it("joins a line that comes in two writes, as clients and agents send it", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, "RESET"), [])
    assert.strictEqual(reader.pending, 5)
    assert.deepStrictEqual(read(reader, "\n"), ["RESET"])
    assert.strictEqual(reader.pending, 0)
  })

  it("takes one chunk apart that holds several lines and the beginning of another", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, "RESET\nGETINFO version\n\n# a\nBY"), ["RESET", "GETINFO version", "", "# a"])
    assert.strictEqual(reader.pending, 2)
    assert.deepStrictEqual(read(reader, "E\nNOP"), ["BYE"])
    assert.deepStrictEqual(read(reader, "\n"), ["NOP"])
  })

  it("gives out lines that wait before those of the next chunk", () => {
    const reader = new LineReader()
    reader.push(latin1("1\n2\n3"))
    assert.strictEqual(reader.next()?.toString(), "1")
    reader.push(latin1("3\n4\n"))
    assert.deepStrictEqual(lines(reader), ["2", "33", "4"])
  })

  it("strips one CR before the LF and no other", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, "NOP\r\nNOP\r\r\nNO\rP\n\r\n\n"), ["NOP", "NOP\r", "NO\rP", "", ""])
    assert.deepStrictEqual(read(reader, "D abc\r", "\n"), ["D abc"])
    assert.deepStrictEqual(read(reader, "D abc", "\r", "\n"), ["D abc"])
  })

  it("keeps NUL and every other byte", () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10)
    const text = Buffer.from(bytes).toString("latin1")
    assert.deepStrictEqual(read(new LineReader(), `${text}\nGETINFO version\0 pid\n`), [text, "GETINFO version\0 pid"])
  })

  it("takes 1001 bytes and an LF, in one chunk, in two, and byte by byte", () => {
    assert.strictEqual(MAX_LINE_IN, 1001)
    for (const length of [999, 1000, 1001]) {
      const text = "x".repeat(length)
      assert.deepStrictEqual(read(new LineReader(), `${text}\n`), [text])
      assert.deepStrictEqual(read(new LineReader(), text, "\n"), [text])
      assert.deepStrictEqual(read(new LineReader(), ...`${text}\n`), [text])
    }
  })

  it("counts the CR: 1000 bytes, CR and LF are a line", () => {
    assert.deepStrictEqual(read(new LineReader(), `${"x".repeat(1000)}\r\n`), ["x".repeat(1000)])
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, `${"x".repeat(1001)}\r\n`), [])
    assert.strictEqual(reader.fault, "line too long")
  })

  it("fails at the 1002nd byte, whether or not an LF has come", () => {
    for (const chunks of [[`${"x".repeat(1002)}\n`], ["x".repeat(1002)], ["x".repeat(1001), "x"]]) {
      const reader = new LineReader()
      assert.deepStrictEqual(read(reader, ...chunks), [])
      assert.strictEqual(reader.fault, "line too long")
    }
  })

  it("does not fail before that", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, "x".repeat(1001)), [])
    assert.isUndefined(reader.fault)
  })

  it("counts a comment like any other line", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, `#${"x".repeat(1001)}\n`), [])
    assert.strictEqual(reader.fault, "line too long")
  })

  it("gives out the good lines before a bad one", () => {
    const reader = new LineReader()
    assert.deepStrictEqual(read(reader, `NOP\n${"x".repeat(1002)}\nNOP\n`), ["NOP"])
    assert.strictEqual(reader.fault, "line too long")
  })

  it("stays failed: nothing that comes later is read", () => {
    const reader = new LineReader()
    read(reader, "x".repeat(1002))
    assert.deepStrictEqual(read(reader, "\n", "NOP\n", "RESET\n"), [])
    assert.strictEqual(reader.fault, "line too long")
    assert.strictEqual(reader.pending, 0)
  })

  it("bounds what nobody has asked for, in one chunk and over several", () => {
    const full = "NOP\n".repeat(MAX_PENDING / 4)
    const exact = new LineReader()
    exact.push(latin1(full))
    assert.isUndefined(exact.fault)
    assert.strictEqual(lines(exact).length, MAX_PENDING / 4)

    for (const chunks of [[`${full}x`], [full, "x"], [full.slice(0, 100), full.slice(0, MAX_PENDING - 99)]]) {
      const reader = new LineReader()
      for (const chunk of chunks) reader.push(latin1(chunk))
      assert.strictEqual(reader.fault, "too much sent early")
      assert.isUndefined(reader.next())
    }
  })

  it("counts only what waits: any number of bytes passes when lines are taken as they come", () => {
    const reader = new LineReader(10, 20)
    for (let turn = 0; turn < 100; turn++) {
      assert.deepStrictEqual(read(reader, "1234567\n12", "345\n"), ["1234567", "12345"])
    }
    assert.isUndefined(reader.fault)
  })

  it("wipes what it copies from, and what waited when it fails", () => {
    const first = latin1("D hidden")
    const second = latin1(" words\nD more")
    const reader = new LineReader()
    reader.push(first)
    reader.push(second)
    assert.isTrue(first.every((byte) => byte === 0))
    assert.isTrue(second.every((byte) => byte === 0))
    assert.strictEqual(reader.next()?.toString(), "D hidden words")

    const long = latin1(`D ${"p".repeat(1001)}`)
    const failing = new LineReader()
    failing.push(long)
    assert.isUndefined(failing.next())
    assert.isTrue(long.every((byte) => byte === 0))
  })

  it("wipes what waits when it is told to, and reads on", () => {
    const chunk = latin1("NOP\nD hidden")
    const reader = new LineReader()
    reader.push(chunk)
    assert.strictEqual(reader.next()?.toString(), "NOP")
    reader.wipe()
    assert.strictEqual(reader.pending, 0)
    assert.isTrue(chunk.subarray(4).every((byte) => byte === 0))
    assert.deepStrictEqual(read(reader, "RESET\n"), ["RESET"])
  })

  it("wipes its own memory when what waits moves to a larger one", () => {
    const reader = new LineReader()
    reader.push(latin1("D hid"))
    reader.push(latin1("den\nD w"))
    const view = reader.next()!
    assert.strictEqual(view.toString(), "D hidden")
    const behind = Buffer.from(view.buffer, view.byteOffset + view.length + 1, 3)
    assert.strictEqual(behind.toString(), "D w")
    // more than the first piece of memory has room for
    reader.push(latin1(`${"x".repeat(900)}\n`.repeat(6)))
    assert.deepStrictEqual([...behind], [0, 0, 0])
    assert.strictEqual(reader.next()?.toString(), `D w${"x".repeat(900)}`)
  })

  it("gives out views that are good until the next push, and may be overwritten", () => {
    const chunk = latin1("D one\nD two\n")
    const reader = new LineReader()
    reader.push(chunk)
    const one = reader.next()!
    const two = reader.next()!
    assert.strictEqual(one.buffer, chunk.buffer)
    assert.deepStrictEqual([one.toString(), two.toString()], ["D one", "D two"])
    one.fill(0)
    assert.isTrue(chunk.subarray(0, 5).every((byte) => byte === 0))
    assert.strictEqual(two.toString(), "D two")
  })

  it("lets go of its memory with the last line, which stays good", () => {
    const reader = new LineReader()
    reader.push(latin1("D on"))
    reader.push(latin1("e\nD two\n"))
    const views = [reader.next()!, reader.next()!]
    reader.push(latin1("D th"))
    reader.push(latin1("ree\n"))
    const three = reader.next()!
    assert.notStrictEqual(three.buffer, views[1]!.buffer)
    assert.deepStrictEqual([...views, three].map(String), ["D one", "D two", "D three"])
  })

  it("finds the same lines however the bytes are cut", () => {
    const piece = fc.constantFrom("\n", "\r", "\r\n", "NOP", "D %0D", "\0", "\xff", "x".repeat(300))
    const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 400 }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), cuts, (pieces, cuts) => {
        const text = pieces.join("")
        const expected = split(text)
        const tooLong = text.split("\n").findIndex((line) => line.length > MAX_LINE_IN)
        const reader = new LineReader()
        const found: Array<string> = []
        for (let at = 0; at < text.length;) {
          const length = cuts.next().value as number
          found.push(...read(reader, text.slice(at, at + length)))
          at += length
        }
        assert.deepStrictEqual(found, tooLong < 0 ? expected : expected.slice(0, tooLong))
        assert.strictEqual(reader.fault, tooLong < 0 ? undefined : "line too long")
      }),
      { seed: 1001, numRuns: 500 }
    )
  })
})
