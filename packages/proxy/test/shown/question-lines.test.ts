import { assert, describe, it } from "@effect/vitest"
import { MAX_DURATION, parseDuration } from "@gripgate/policy/duration"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import type { Question } from "../../src/approve/question.ts"
import { durationWords, questionLines } from "../../src/shown/question-lines.ts"
import { alice, deceptive, isHarmful, subject, subjects } from "./shown.ts"

const question = (more: Partial<Question> = {}): Question => ({
  id: "k7f3",
  subject: subject(),
  operation: "sign",
  client: { recognised: "none" },
  why: "sign = \"ask\"",
  offers: { always: false },
  askedAt: 0,
  ...more
})

const bob = { ...alice, capabilities: new Set(["encrypt", "authenticate"] as const) }

describe("the lines of a question", () => {
  it("are who asks for what with which key, what that can do, the digest, and what the client says", () => {
    assert.deepStrictEqual(
      questionLines(question({
        subject: subject({ keys: [{ ...alice, capabilities: new Set(["certify", "sign"]) }] }),
        digest: { algorithm: "SHA512", hex: "0123456789ABCDEF".repeat(8) },
        said: { by: "client", text: "Please\nsign" }
      })),
      [
        "gripgate: the app \"mailpile\" wants to sign",
        "Who: \"user mailpile (1001), /usr/bin/python3\"",
        "Key: 0123456789ABCDEF, \"Alice <alice@example.org>\"",
        "It can: sign, certify",
        "SHA512 digest: 0123 4567 89AB CDEF 0123 4567 89AB",
        ".. CDEF 0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123",
        ".. 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567 89AB",
        ".. CDEF 0123 4567 89AB CDEF",
        "It says:",
        "| Please",
        "| sign"
      ]
    )
  })

  it("say of a key only what is known of it, and which of two is meant", () => {
    const canOf = (keys: Question["subject"]["keys"]) =>
      questionLines(question({ subject: subject({ keys }) })).filter((line) => / can: /.test(line))
    assert.deepStrictEqual(canOf([bob]), ["It can: authenticate, decrypt"])
    assert.deepStrictEqual(canOf([{ ...alice, capabilities: new Set() }]), ["It can: nothing"])
    assert.deepStrictEqual(canOf([{ ...alice, capabilities: undefined }]), [])
    assert.deepStrictEqual(canOf([alice, bob, alice]), [
      "The first key can: sign",
      "The second key can: authenticate, decrypt"
    ])
  })

  it("say that the gate has not seen the digest", () => {
    assert.strictEqual(questionLines(question({ digest: "unseen" })).at(-1), "Digest: not seen by gripgate")
  })

  it("say one more thing of the gate's, before anything of the client's", () => {
    const lines = questionLines(question({ note: "gpg-agent asks next.", said: { by: "client", text: "Well?" } }))
    assert.deepStrictEqual(lines.slice(-3), ["gpg-agent asks next.", "It says:", "| Well?"])
  })

  it("are those of a question of the agent's, which is for no operation", () => {
    const lines = questionLines(question({
      subject: subject({ operations: [], command: "PKSIGN" }),
      said: { by: "agent", text: "Do you want to allow this?" }
    }))
    assert.deepStrictEqual(lines, [
      "gripgate: the app \"mailpile\" wants to use gpg-agent",
      "Who: \"user mailpile (1001), /usr/bin/python3\"",
      "Key: 0123456789ABCDEF, \"Alice <alice@example.org>\"",
      "It can: sign",
      "gpg-agent says:",
      "| Do you want to allow this?"
    ])
  })

  it("leave out who says something that cannot be seen", () => {
    for (const text of ["", " \n\t", "\u2800"]) {
      assert.notInclude(questionLines(question({ said: { by: "client", text } })), "It says:")
    }
  })

  it("are harmless, and none of the client's looks like one of the gate's", () => {
    fc.assert(fc.property(subjects, deceptive, (one, text) => {
      const lines = questionLines(question({ subject: one, said: { by: "client", text } }))
      assert.isFalse(isHarmful(lines.join("\n")))
      assert.isFalse(lines.some((line) => line.includes("\n")))
      const head = lines.indexOf("It says:")
      if (head >= 0) { for (const line of lines.slice(head + 1)) assert.match(line, /^\| ./) }
    }))
  })
})

describe("durationWords", () => {
  it("says a duration in whole units", () => {
    for (
      const [duration, words] of [
        [900_000, "15 minutes"],
        [60_000, "1 minute"],
        [3_600_000, "1 hour"],
        [5_400_000, "90 minutes"],
        [90 * 86_400_000, "90 days"],
        [7 * 86_400_000, "1 week"],
        [1, "1 millisecond"]
      ] as const
    ) assert.strictEqual(durationWords(duration), words)
  })

  it("is read back as the same", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: MAX_DURATION }), (duration) => {
      assert.deepStrictEqual(parseDuration(durationWords(duration)), Result.succeed(duration))
    }))
  })
})
