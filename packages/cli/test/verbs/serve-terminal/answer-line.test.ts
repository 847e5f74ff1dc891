import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readAnswerLine } from "../../../src/verbs/serve-terminal/answer-line.ts"
import { isForeground } from "../../../src/verbs/serve-terminal/foreground.ts"

describe("an answer that is typed", () => {
  it("is a word and the name of the question, in any case", () => {
    for (
      const [line, kind, good] of [
        ["once 7kq2", "yes", "once"],
        ["  ALWAYS   7KQ2 ", "yes", "always"],
        ["no 7KQ2", "no", "once"],
        ["never 7KQ2", "no", "always"],
        ["15m 7KQ2", "yes", 900_000],
        ["15 minutes 7KQ2", "yes", 900_000]
      ] as const
    ) assert.deepStrictEqual(readAnswerLine(line), Result.succeed({ id: "7KQ2", kind, good }), line)
  })

  it("is nothing less: neither Enter, nor a letter, nor a word alone", () => {
    for (const line of ["", " ", "\t"]) assert.isUndefined(readAnswerLine(line))
    for (const line of ["y", "yes", "once", "7KQ2", "yes 7KQ2", "once 7KQ2 now", "15 7KQ2", "0m 7KQ2", "15m"]) {
      const read = readAnswerLine(line)
      assert.isTrue(read !== undefined && Result.isFailure(read), line)
    }
  })
})

describe("isForeground", () => {
  const stat = (group: number, foreground: number) => () => `7 (a) b (c) S 1 ${group} 7 34816 ${foreground} 4194304 1`

  it("holds for the group that has the terminal, and for nobody of whom it is not known", () => {
    assert.isTrue(isForeground(stat(7, 7)))
    assert.isFalse(isForeground(stat(7, 8)))
    assert.isFalse(isForeground(stat(7, -1)))
    assert.isFalse(isForeground(() => ""))
  })
})
