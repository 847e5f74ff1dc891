import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { firstSheet, secondSheet } from "../../../src/approve/pinentry/text.ts"
import type { Question } from "../../../src/approve/question.ts"
import { durationWords, gateLines, questionLines } from "../../../src/shown/question-lines.ts"
import { linesOf } from "../../../src/shown/subject.ts"
import { deceptive, isHarmful, subjects } from "../../shown/shown.ts"
import { forAWhile, question, unescaped } from "./support.ts"

/** The lines that a pinentry shows for a line of SETDESC. */
const shownBy = (line: string): ReadonlyArray<string> => {
  assert.isTrue(line.startsWith("SETDESC "))
  assert.isAtMost(Buffer.byteLength(line), 1000)
  assert.notMatch(line, /[\r\n\0]/)
  return unescaped(Buffer.from(line.slice("SETDESC ".length)).toString("latin1")).split("\n")
}

// a signature is made with one key, and only a signature has a digest
const questions: fc.Arbitrary<Question> = fc.record({
  subject: subjects,
  digest: fc.option(
    fc.record({
      algorithm: fc.constantFrom("SHA512", "RIPEMD160", "TLS-MD5SHA1"),
      hex: fc.uint8Array({ minLength: 16, maxLength: 64 }).map((bytes) =>
        Buffer.from(bytes).toString("hex").toUpperCase()
      )
    }),
    { nil: undefined }
  ),
  said: fc.option(fc.record({ by: fc.constantFrom("client" as const, "agent" as const), text: deceptive }), {
    nil: undefined
  })
}).map(({ digest, said, subject: one }) =>
  question({
    subject: digest === undefined ? one : { ...one, keys: one.keys.slice(0, 1) },
    ...(digest === undefined ? {} : { digest }),
    ...(said === undefined ? {} : { said })
  })
)

describe("the text of a question", () => {
  it("shows exactly the gate's lines, then who says something, then marked lines, whatever anybody says", () => {
    fc.assert(fc.property(questions, (any) => {
      const lines = shownBy(firstSheet(any)!.description)
      const ours = gateLines(any)
      assert.deepStrictEqual(lines.slice(0, ours.length), ours)
      assert.deepStrictEqual(ours.slice(0, linesOf(any.subject).length), linesOf(any.subject))
      const [head, ...theirs] = lines.slice(ours.length)
      if (head !== undefined) {
        assert.strictEqual(head, any.said?.by === "agent" ? "gpg-agent says:" : "It says:")
        assert.isAtLeast(theirs.length, 1)
        for (const line of theirs) {
          assert.match(line, /^\| ./)
          assert.isAtMost(line.length, 56)
        }
      }
      assert.isFalse(isHarmful(lines.join("\n")))
      assert.notMatch(lines[0]!, /[<&]/)
    }))
  })

  it("cuts what a client says where a line has no room for it, and says so", () => {
    const long = question({
      subject: { ...question().subject, how: "%".repeat(160) },
      digest: { algorithm: "SHA512", hex: "A".repeat(128) },
      said: { by: "client", text: "%".repeat(1000) }
    })
    const lines = shownBy(firstSheet(long)!.description)
    assert.isBelow(lines.length, questionLines(long).length)
    assert.deepStrictEqual(lines.slice(0, -1), questionLines(long).slice(0, lines.length - 1))
    assert.strictEqual(lines.at(-1), "| ...")
  })

  it("has no more lines than a small terminal, so that no client keeps the owner from being asked", () => {
    fc.assert(fc.property(questions, deceptive, (any, text) => {
      const said = { by: "client", text } as const
      const lines = shownBy(firstSheet({ ...any, said })!.description)
      assert.isAtMost(lines.length, Math.max(17, gateLines(any).length + 2))
    }))
  })

  it("is none where there is no room for the gate's own lines", () => {
    const long = question({ digest: { algorithm: "SHA512", hex: "A".repeat(2000) } })
    assert.isUndefined(firstSheet(long))
    assert.isUndefined(secondSheet(long, 1000))
  })

  it("is said again before a yes for a while, without what the client says", () => {
    fc.assert(fc.property(questions, fc.integer({ min: 1, max: 3650 * 86_400_000 }), (any, time) => {
      const lines = shownBy(secondSheet(any, time)!.description)
      assert.deepStrictEqual(lines, [
        ...gateLines(any),
        `A yes is good for ${durationWords(time)}: until then nobody is asked.`
      ])
    }))
  })
})

describe("the buttons", () => {
  /** The key that presses a button in pinentry-tty: the letter behind the mark. */
  const keyOf = (line: string): string => /^SET\w+ _(.)/.exec(line)![1]!.toLowerCase()

  it("are three where a yes for a while is offered, each with a letter of its own", () => {
    const { cancel, notok, ok } = firstSheet(forAWhile)!
    assert.deepStrictEqual([ok, notok, cancel], ["SETOK _Yes, once", "SETNOTOK _For 15 minutes", "SETCANCEL _No"])
    assert.deepStrictEqual([ok, notok!, cancel].map(keyOf), ["y", "f", "n"])
  })

  it("are two where it is not, and in the second dialog, where yes has another letter", () => {
    const first = firstSheet(question())!
    assert.deepStrictEqual([first.ok, first.notok, first.cancel], ["SETOK _Yes", undefined, "SETCANCEL _No"])
    const second = secondSheet(forAWhile, 3_600_000)!
    assert.deepStrictEqual([second.ok, second.notok, second.cancel], ["SETOK _For 1 hour", undefined, "SETCANCEL _No"])
  })
})
