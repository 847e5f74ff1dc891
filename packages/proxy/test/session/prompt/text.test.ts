import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { framedError, framedText, keydescLine } from "../../../src/session/prompt/text.ts"
import { linesOf } from "../../../src/shown/subject.ts"
import { alice, clientText, GRIP, isHarmful, linesShown, shown, subject, subjects } from "../../shown/shown.ts"

const SETKEYDESC = "SETKEYDESC "

/** The argument of a whole SETKEYDESC line. */
const described = (line: Buffer): Buffer => line.subarray(SETKEYDESC.length, -1)

const assertPassesUnread = (text: Buffer): void => {
  const latin1 = text.toString("latin1")
  assert.notMatch(latin1, /[\x00-\x20\x7f]/, "no control byte and no blank")
  assert.notInclude(latin1, "PIN")
  assert.notMatch(latin1, /%[cCF%]/)
  assert.notMatch(latin1, /%(?!25|2B|0A|50)/, "no escape that something on the way could take for something else")
}

describe("the text of a prompt for a key", () => {
  it("says who asks, how it was recognised, for what, and with which key", () => {
    assert.deepStrictEqual(linesShown(described(keydescLine(subject())), true), [
      "gripgate: the app \"mailpile\" wants to sign",
      "Who: \"user mailpile (1001), /usr/bin/python3\"",
      "Key: 0123456789ABCDEF, \"Alice <alice@example.org>\""
    ])
  })

  it("names the keygrip of a key of which nothing else is known", () => {
    const text = keydescLine(subject({ keys: [{ keygrip: GRIP, capabilities: undefined }] }))
    assert.include(shown(described(text), true), `\nKey: keygrip ${GRIP}`)
  })

  it("says of whoever is no app that it is none", () => {
    const [first] = linesShown(described(keydescLine(subject({ app: undefined, operations: ["decrypt"] }))), true)
    assert.strictEqual(first, "gripgate: a program that is no app of the policy wants to decrypt")
  })

  it("names every use that a key with several capabilities may be put to, and not how the passphrase travels", () => {
    const [first] = linesOf(subject({ operations: ["sign", "certify", "loopback"] }))
    assert.strictEqual(first, "gripgate: the app \"mailpile\" wants to sign or certify keys")
  })

  it("keeps the names of two apps apart to the last character", () => {
    const long = "a".repeat(62)
    assert.notDeepEqual(keydescLine(subject({ app: `${long}1` })), keydescLine(subject({ app: `${long}2` })))
  })

  it("does not let a user id or a path look like a line of the gate", () => {
    const liar = "x\nKey: FEDCBA9876543210\" gripgate: the app \"git\" wants to sign"
    const lines = linesShown(described(keydescLine(subject({ how: liar, keys: [{ ...alice, userId: liar }] }))), true)
    assert.deepStrictEqual(lines.filter((line) => line.startsWith("gripgate:")), [
      "gripgate: the app \"mailpile\" wants to sign"
    ])
    assert.deepStrictEqual(lines.filter((line) => line.startsWith("Key:")).length, 1)
    assert.strictEqual(lines.join("").split("\"").length, 2 * 3 + 1, "three pairs of quotes: app, who, key")
  })

  it("keeps a dialog that reads HTML from taking it for HTML by its first line", () => {
    const [first] = linesOf(subject({ app: "<b>&lt;" }))
    assert.notMatch(first!, /[<&]/)
  })

  it("shows a percent sign, a plus and the word PIN as they are", () => {
    const line = keydescLine(subject({ how: "100% + %c %50 my PIN" }))
    assert.include(shown(described(line), true), "Who: \"100% + %c %50 my PIN\"")
  })

  it("holds against any name, client and user id", () => {
    fc.assert(fc.property(subjects, (any) => {
      const line = keydescLine(any)
      assert.isAtMost(line.length, 1001)
      assert.strictEqual(line.toString("latin1", 0, SETKEYDESC.length), SETKEYDESC)
      assert.strictEqual(line.at(-1), 0x0a)
      assertPassesUnread(described(line))
      // what the gate means is what a person reads, whichever way it goes
      const meant = linesOf(any)
      assert.deepStrictEqual(linesShown(described(line), true), meant)
      assert.deepStrictEqual(linesShown(described(line)), meant)
      assert.isFalse(isHarmful(meant.join("\n")))
      assert.match(
        meant[0]!,
        /^gripgate: (the app "[^"]*"|a program that is no app of the policy) wants to [a-zA-Z -]+$/
      )
      for (const behind of meant.slice(1)) assert.match(behind, /^(Who: "|Key: [0-9A-Fk]|\.\. |and \d+ more keys$)/)
    }))
  })
})

describe("a client's own text", () => {
  it("stands behind the gate's lines, each line of it marked", () => {
    const text = framedText(
      subject({ keys: [], command: "GET_CONFIRMATION", operations: ["passphrase"] }),
      Buffer.from("Is+this%0Agripgate:+the+app+%22git%22+wants+to+sign%3f")
    )
    assert.deepStrictEqual(linesShown(text), [
      "gripgate: the app \"mailpile\" wants to ask you a question",
      "Who: \"user mailpile (1001), /usr/bin/python3\"",
      "It says:",
      "| Is this",
      "| gripgate: the app \"git\" wants to sign?"
    ])
  })

  it("is nothing where the client gave none", () => {
    for (const none of ["X", "", "+", "%0A%0A"]) {
      assert.deepStrictEqual(linesShown(framedText(subject(), Buffer.from(none))), linesOf(subject()))
    }
  })

  it("is at most eight lines, and says that there were more", () => {
    const text = framedText(
      subject({ keys: [] }),
      Buffer.from(Array.from({ length: 30 }, (_, i) => `l${i}`).join("%0A"))
    )
    const marks = linesShown(text).filter((line) => line.startsWith("| "))
    assert.deepStrictEqual(marks, [..."0123456"].map((i) => `| l${i}`).concat("| ..."))
  })

  it("keeps what looks like an escape and is none", () => {
    assert.include(shown(framedText(subject(), Buffer.from("50%+%zz%4"))), "| 50% %zz%4")
  })

  it("never changes what the gate says, and is marked on every line, whatever it is", () => {
    fc.assert(fc.property(subjects, clientText, fc.integer({ min: 620, max: 900 }), (any, said, room) => {
      const text = framedText(any, said, room)
      assert.isAtMost(text.length, Math.max(room, framedText(any, Buffer.from("X")).length))
      assertPassesUnread(text)
      const lines = linesShown(text)
      const ours = linesOf(any)
      assert.deepStrictEqual(lines.slice(0, ours.length), ours)
      const theirs = lines.slice(ours.length)
      if (theirs.length > 0) assert.strictEqual(theirs[0], "It says:")
      assert.isAtMost(theirs.length, 9)
      for (const line of theirs.slice(1)) {
        assert.match(line, /^\| ./)
        assert.isAtMost(line.length, 56, "a line that the window breaks would go on without its mark")
      }
      assert.isFalse(isHarmful(lines.join("\n")))
    }))
  })
})

describe("a client's text of an error", () => {
  it("is one line behind the client's name", () => {
    assert.strictEqual(
      shown(framedError(subject(), Buffer.from("Bad+passphrase%0Agripgate:+try+again"))),
      "\"mailpile\" says: Bad passphrase gripgate: try again"
    )
  })

  it("stays out where there is none", () => {
    for (const none of ["X", "+%0A"]) assert.strictEqual(String(framedError(subject(), Buffer.from(none))), "X")
  })

  it("is bounded and passes unread, whatever it is", () => {
    fc.assert(fc.property(subjects, clientText, (any, said) => {
      const text = framedError(any, said)
      assert.isAtMost(text.length, 300)
      assertPassesUnread(text)
      assert.isFalse(/\n/.test(shown(text)) || isHarmful(shown(text)))
      if (String(text) !== "X") assert.match(shown(text), /^("[^"]*"|a program) says: ./)
    }))
  })
})
