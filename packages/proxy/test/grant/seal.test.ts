import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { hkdfSync } from "node:crypto"
import { makeProof, openSeal, proves, sealKey, sealPassphrase } from "../../src/grant/seal.ts"
import { makeToken, readToken } from "../../src/grant/token.ts"

const secretOf = (): Buffer => readToken(makeToken("7KQ2"))!.secret
const about = { grant: "7KQ2", app: "mail", keygrip: "A".repeat(40), operations: ["sign", "decrypt"] }

describe("a proof", () => {
  it("holds for its secret and for no other", () => {
    const secret = secretOf()
    const proof = makeProof(secret)
    assert.isTrue(proves(secret, proof))
    for (let at = 0; at < secret.length; at++) {
      const other = Buffer.from(secret)
      other[at]! ^= 1
      assert.isFalse(proves(other, proof))
    }
    assert.isFalse(proves(secret, { ...proof, salt: makeProof(secret).salt }))
    assert.isFalse(proves(secret, { ...proof, verifier: "" }))
  })

  it("is HKDF with SHA-256 of the secret under its salt", () => {
    const secret = secretOf()
    const { salt, verifier } = makeProof(secret)
    assert.strictEqual(salt.length, 32)
    const expected = hkdfSync("sha256", secret, Buffer.from(salt, "hex"), "gripgate 1 verify", 32)
    assert.strictEqual(verifier, Buffer.from(expected).toString("hex"))
  })

  it("is not the key of the seals", () => {
    const secret = secretOf()
    const proof = makeProof(secret)
    assert.notStrictEqual(sealKey(secret, proof).toString("hex"), proof.verifier)
  })
})

describe("a seal", () => {
  const passphrase = fc.uint8Array({ minLength: 0, maxLength: 255 }).map((bytes) => Buffer.from(bytes))

  it("opens to the passphrase that was sealed, and has one size whatever that is", () => {
    const secret = secretOf()
    const key = sealKey(secret, makeProof(secret))
    fc.assert(fc.property(passphrase, (plain) => {
      const seal = sealPassphrase(key, plain, about)
      assert.strictEqual(seal.box.length, 2 * (256 + 16))
      assert.deepStrictEqual(openSeal(key, seal, about), plain)
      // the order of words says nothing
      assert.deepStrictEqual(openSeal(key, seal, { ...about, operations: ["decrypt", "sign"] }), plain)
    }))
  })

  it("opens for no other token, grant, app, key or operation", () => {
    const secret = secretOf()
    const proof = makeProof(secret)
    const key = sealKey(secret, proof)
    const seal = sealPassphrase(key, Buffer.from("correct horse"), about)
    const other = secretOf()
    assert.isUndefined(openSeal(sealKey(other, makeProof(other)), seal, about))
    assert.isUndefined(openSeal(sealKey(secret, makeProof(secret)), seal, about), "the same token under another salt")
    for (
      const change of [
        { grant: "7KQ3" },
        { app: "git" },
        { keygrip: "B".repeat(40) },
        { operations: ["sign"] },
        { operations: ["sign", "decrypt", "export"] }
      ]
    ) assert.isUndefined(openSeal(key, seal, { ...about, ...change }))
  })

  it("does not open with a bit changed", () => {
    const secret = secretOf()
    const key = sealKey(secret, makeProof(secret))
    const seal = sealPassphrase(key, Buffer.from("correct horse"), about)
    const flip = (hex: string, bit: number): string => {
      const bytes = Buffer.from(hex, "hex")
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return bytes.toString("hex")
    }
    for (let bit = 0; bit < 4 * seal.box.length; bit += 7) {
      assert.isUndefined(openSeal(key, { ...seal, box: flip(seal.box, bit) }, about))
    }
    for (let bit = 0; bit < 4 * seal.nonce.length; bit++) {
      assert.isUndefined(openSeal(key, { ...seal, nonce: flip(seal.nonce, bit) }, about))
    }
    for (const box of ["", seal.box.slice(2), `${seal.box}00`, "zz"]) {
      assert.isUndefined(openSeal(key, { ...seal, box }, about))
    }
  })

  it("of the same passphrase looks different each time", () => {
    const secret = secretOf()
    const key = sealKey(secret, makeProof(secret))
    const boxes = Array.from({ length: 10 }, () => sealPassphrase(key, Buffer.from("x"), about).box)
    assert.strictEqual(new Set(boxes).size, 10)
  })
})
