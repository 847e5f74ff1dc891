import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { hasTokenForm } from "../../src/grant/token-form.ts"
import { makeToken, readToken, TOKEN_LENGTH } from "../../src/grant/token.ts"

const text = (token: Buffer): string => token.toString("latin1")

describe("a token", () => {
  it("has at most 255 bytes, all of them typable, and the form that is never handed on as a passphrase", () => {
    for (let i = 0; i < 200; i++) {
      const token = makeToken("7KQ2")
      assert.match(text(token), /^gg1-7KQ2-[2-9A-HJKMNP-TV-Z]{27}-[2-9A-HJKMNP-TV-Z]{4}$/)
      assert.isAtMost(token.length, 255)
      assert.isTrue(hasTokenForm(token))
    }
  })

  it("has at least 128 bits of chance, each letter as likely as the others", () => {
    assert.isAtLeast(27 * Math.log2(30), 128)
    const counts = new Map<string, number>()
    const tokens = Array.from({ length: 4000 }, () => text(makeToken("7KQ2")).slice(9, 36))
    for (const letter of tokens.join("")) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    assert.strictEqual(counts.size, 30)
    // 3,600 of each, give or take six times the deviation that chance makes
    for (const count of counts.values()) assert.isBelow(Math.abs(count - 3600), 6 * Math.sqrt(3600))
    assert.strictEqual(new Set(tokens).size, tokens.length)
  })

  it("takes no letter from bytes that would make some more likely", () => {
    let calls = 0
    const token = makeToken("7KQ2", (bytes) => bytes.fill(calls++ < 5 ? 240 + calls : 0))
    assert.include(text(token), "2".repeat(27))
    assert.strictEqual(calls, 6)
  })

  it("is read in either case, as the same", () => {
    const token = makeToken("7KQ2")
    const large = readToken(Buffer.from(token))!
    const small = readToken(Buffer.from(text(token).replace(/-.*/, (rest) => rest.toLowerCase())))!
    assert.isTrue(large.sound && small.sound)
    assert.strictEqual(small.id, "7KQ2")
    assert.deepStrictEqual(small.secret, large.secret)
  })

  it("tells a slip of the pen: one letter wrong, or two changed places", () => {
    const token = text(makeToken("7KQ2"))
    let missed = 0
    let tried = 0
    for (let at = 4; at < token.length; at++) {
      if (token[at] === "-") continue
      const wrong = readToken(Buffer.from(token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1)))
      assert.isFalse(wrong?.sound)
      const [a, b] = [token[at]!, token[at + 1] ?? "-"]
      if (a === b || b === "-") continue
      tried++
      if (readToken(Buffer.from(token.slice(0, at) + b + a + token.slice(at + 2)))!.sound) missed++
    }
    // by chance one in 810,000
    assert.strictEqual(missed, 0, `of ${tried}`)
  })

  it("is nothing else, whatever comes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => readToken(Buffer.from(bytes)) === undefined))
    const token = text(makeToken("7KQ2"))
    for (const other of ["", token.slice(1), token.slice(0, -1), `${token}A`, token.replace("gg1", "gg2")]) {
      assert.isUndefined(readToken(Buffer.from(other)))
    }
    assert.isUndefined(readToken(Buffer.from(token.replaceAll("-", "_"))))
    assert.isUndefined(readToken(Buffer.from(token.slice(0, 9) + "0".repeat(27) + token.slice(36))))
    assert.strictEqual(token.length, TOKEN_LENGTH)
  })
})
