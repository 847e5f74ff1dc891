// A line that is typed and not shown.
import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type Step, TypedLine } from "../../../src/verbs/grant/typed.ts"

/** Types bytes, and says what the last of them led to. */
const type = (line: TypedLine, bytes: string | Uint8Array): Step | undefined =>
  [...Buffer.from(bytes as string)].map((byte) => line.take(byte)).at(-1)

const typed = (bytes: string): string => {
  const line = new TypedLine()
  type(line, bytes)
  return line.bytes.toString()
}

describe("TypedLine", () => {
  it("keeps what is typed, byte for byte, up to Enter", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 255 }).map((bytes) => bytes.filter((byte) => byte >= 32 && byte !== 127)),
        (bytes) => {
          const line = new TypedLine()
          type(line, bytes)
          assert.deepStrictEqual([...line.bytes], [...bytes])
          assert.strictEqual(type(line, "\r"), "done")
        }
      ),
      { seed: 1, numRuns: 200 }
    )
    assert.isAtLeast(new TypedLine().bytes.buffer.byteLength, 4096)
  })

  it("takes back whole characters, and the whole line", () => {
    assert.strictEqual(typed("abc\u007f\u0008d"), "ad")
    assert.strictEqual(typed("a\u20ac\u007fb"), "ab")
    assert.strictEqual(typed("a\u{1f511}\u007f\u007f\u007fb"), "b")
    assert.strictEqual(typed("wrong\u0015right"), "right")
  })

  it("leaves nothing of what was taken back or wiped", () => {
    const line = new TypedLine()
    type(line, "secret")
    const memory = Buffer.from(line.bytes.buffer)
    type(line, "\u007f\u007f\u007f")
    assert.strictEqual(memory.indexOf("ret"), -1)
    assert.strictEqual(memory.indexOf("sec"), 0)
    line.wipe()
    assert.isTrue(memory.every((byte) => byte === 0))
  })

  it("takes no key that moves or steers for a part of it", () => {
    for (const key of ["\u001b[A", "\u001b[1;5C", "\u001bOP", "\u001b[3~", "\u001bx", "\u0001", "\u0000", "\u0004"]) {
      assert.strictEqual(typed(`a${key}b`), "ab", JSON.stringify(key))
    }
    assert.strictEqual(typed("a\tb"), "a\tb")
  })

  it("says what ends it", () => {
    const cases: ReadonlyArray<readonly [string, Step]> = [
      ["a\n", "done"],
      ["a\r", "done"],
      ["\u0003", "interrupt"],
      ["\u001b\u0003", "interrupt"],
      ["\u001b[1\u0003", "interrupt"],
      ["\u0004", "none"],
      ["a\u0004", "more"],
      ["\u001a", "suspend"]
    ]
    for (const [keys, step] of cases) assert.strictEqual(type(new TypedLine(), keys), step, JSON.stringify(keys))
  })

  it("keeps 255 bytes, and tells of more until the line is cleared", () => {
    const line = new TypedLine()
    type(line, "x".repeat(255))
    assert.isFalse(line.tooLong)
    type(line, "y")
    assert.deepStrictEqual([line.tooLong, line.bytes.length], [true, 255])
    type(line, "\u0015z")
    assert.deepStrictEqual([line.tooLong, line.bytes.toString()], [false, "z"])
  })
})
