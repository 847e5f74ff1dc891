// What libassuan makes of each of these lines inside an inquiry was seen with GnuPG 2.2.40 to 2.5.12.
import { assert, describe, it } from "@effect/vitest"
import { CAN_LINE, END_LINE, parseAnswerLine } from "../src/answer.ts"

const kind = (line: string): string => parseAnswerLine(Buffer.from(line, "latin1")).kind

describe("parseAnswerLine", () => {
  it("takes data after `D` or `d` and one blank, still escaped", () => {
    for (
      const [line, payload] of [["D abc", "abc"], ["d abc", "abc"], ["D ", ""], ["D  x ", " x "], [
        "D a%25\0\xff",
        "a%25\0\xff"
      ]]
    ) {
      const answer = parseAnswerLine(Buffer.from(line!, "latin1"))
      assert.strictEqual(answer.kind, "data", line)
      assert.strictEqual(answer.kind === "data" ? answer.payload.toString("latin1") : "", payload)
    }
  })

  it("takes END in any case, also with words behind it", () => {
    for (const line of ["END", "end", "eNd", "END ", "end junk", "END D abc"]) {
      assert.strictEqual(kind(line), "end", line)
    }
  })

  it("takes everything that begins with CAN for a cancel, as libassuan does", () => {
    for (const line of ["CAN", "can", "cAN", "CANCEL", "CANDY", "can x", "CAN\0"]) {
      assert.strictEqual(kind(line), "cancel", line)
    }
  })

  it("ignores empty lines and comments", () => {
    for (const line of ["", "#", "# D abc", "#END"]) assert.strictEqual(kind(line), "ignore", line)
  })

  it("takes nothing else: from there on replies would be off by one", () => {
    const foreign = [
      "Dabc",
      "D",
      "d",
      "D\tabc",
      "ENDX",
      "END\t",
      "END\0",
      "EN",
      "E",
      "CA",
      "C",
      " D abc",
      " END",
      "\tEND",
      "\0",
      "\0END"
    ]
    for (const line of [...foreign, "PKSIGN", "BYE", "OK", "DATA abc", "\xc4 abc", "$ abc", "eND_"]) {
      assert.strictEqual(kind(line), "violation", line)
    }
  })

  it("tells data from everything else by two bytes, whichever they are", () => {
    for (let first = 0; first < 256; first++) {
      for (let second = 0; second < 256; second++) {
        const isData = (first === 0x44 || first === 0x64) && second === 0x20
        assert.strictEqual(
          parseAnswerLine(Buffer.of(first, second, 0x61)).kind === "data",
          isData,
          `${first} ${second}`
        )
      }
    }
  })

  it("ends and cancels with the lines it takes itself", () => {
    assert.strictEqual(kind(END_LINE.toString().trimEnd()), "end")
    assert.strictEqual(kind(CAN_LINE.toString().trimEnd()), "cancel")
    assert.deepStrictEqual([END_LINE.toString(), CAN_LINE.toString()], ["END\n", "CAN\n"])
  })
})
