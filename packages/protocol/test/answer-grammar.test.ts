// What becomes of an answer to an inquiry. The S-expressions are those that clients sent; their grammar has tests of its
// own in sexp/.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { canonicalAnswer } from "../src/answer-grammar.ts"
import type { AnswerGrammar } from "../src/grammar/command.ts"

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1")
const handedOn = (grammar: AnswerGrammar, answer: string): string =>
  Result.getOrThrow(canonicalAnswer(grammar, latin1(answer))).toString("latin1")
const refusal = (grammar: AnswerGrammar, answer: string): string => {
  const result = canonicalAnswer(grammar, latin1(answer))
  return Result.isFailure(result) ? result.failure : "not refused"
}

const ciphertext = "(7:enc-val(4:ecdh(1:s3:\0\n%)(1:e2:\xff\r)))"

describe("canonicalAnswer", () => {
  it("hands on the very bytes where nobody looks into them", () => {
    for (const answer of ["abc", "a\0b\r\n%41\xff", "(", ciphertext]) {
      assert.strictEqual(handedOn("opaque", answer), answer)
    }
  })

  it("hands on a ciphertext that is canonical, byte by byte", () => {
    assert.strictEqual(handedOn("ciphertext", ciphertext), ciphertext)
  })

  it("refuses a ciphertext in any other spelling, and says where", () => {
    assert.match(refusal("ciphertext", "(enc-val)"), /^not an S-expression: .* at byte 1$/)
    assert.match(refusal("ciphertext", `${ciphertext})`), /^not an S-expression: .* at byte \d+$/)
    for (const answer of ["abc", "()", "(7:enc-val", " (1:a)", "(1:a)\n"]) {
      assert.match(refusal("ciphertext", answer), /^not an S-expression: /)
    }
  })

  it("writes key parameters anew in canonical form, whichever way gpg and gpgsm spell them", () => {
    const canonical = "(6:genkey(3:rsa(5:nbits4:3072)))"
    assert.strictEqual(handedOn("keyparam", "(genkey(rsa(nbits 4:3072)))"), canonical)
    assert.strictEqual(handedOn("keyparam", canonical), canonical)
    assert.strictEqual(handedOn("keyparam", " (genkey (rsa\n(nbits \"3072\")))\n"), canonical)
    assert.match(refusal("keyparam", "(genkey(rsa"), /^not an S-expression: /)
    assert.match(refusal("keyparam", "(genkey %d)"), /^not an S-expression: /)
  })

  it("lets nothing through where nothing may come", () => {
    assert.strictEqual(refusal("nothing", "x"), "data where none may come")
  })

  it("takes an empty answer everywhere: it is how gpg answers what it does not know", () => {
    for (const grammar of ["opaque", "ciphertext", "keyparam", "nothing"] as const) {
      assert.strictEqual(handedOn(grammar, ""), "")
    }
  })
})
