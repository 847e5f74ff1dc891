import { assert, describe, it } from "@effect/vitest"
import { type Sexp } from "@gripgate/protocol/sexp/sexp"
import { writeCanonical } from "@gripgate/protocol/sexp/write-canonical"
import { diffieHellman, generateKeyPairSync } from "node:crypto"
import { unwrap } from "../../../src/key-wrap.ts"
import { provenKey } from "../../../src/session/import/possession.ts"
import { parseSecretKey, type SecretKey } from "../../../src/session/import/secret-key.ts"
import type { PublicKey } from "../../../src/session/own-keys.ts"
import { recorded, withPassphrase, wrappingKey } from "./recorded.ts"

const plain = (wrapped: Buffer): Buffer => {
  const unwrapped = unwrap(wrappingKey, wrapped)
  if (unwrapped === undefined) throw new Error("expected key data under the recorded key")
  return unwrapped.bytes
}

const parsed = (wrapped: Buffer): SecretKey => {
  const key = parseSecretKey(plain(wrapped))
  if (key === undefined) throw new Error("expected a secret key")
  return key
}

const proven = (bytes: Buffer): PublicKey | undefined => {
  const key = parseSecretKey(bytes)
  return key === undefined ? undefined : provenKey(key)
}

const publicKeyOf = (family: string, parts: Readonly<Record<string, Uint8Array>>): PublicKey => ({
  family,
  parts: new Map(Object.entries(parts).map(([name, value]) => [name, Buffer.from(value)]))
})
const point = (q: Uint8Array): PublicKey => publicKeyOf("ecc", { q })

/** Keys of which something can be proven, and keys of which nothing can. */
const provable = Object.entries(recorded).filter(([name]) => !name.startsWith("dsa"))
const unprovable = Object.entries(recorded).filter(([name]) => name.startsWith("dsa"))

const word = (text: string): Buffer => Buffer.from(text)
const list = (algo: string, values: ReadonlyArray<Uint8Array>, curve?: string): Array<Sexp> => [
  word("openpgp-private-key"),
  [word("version"), word("4")],
  [word("algo"), word(algo)],
  ...(curve === undefined ? [] : [[word("curve"), word(curve)]]),
  [word("skey"), ...values.flatMap((value) => [word("_"), value])],
  [word("csum"), word("4711")],
  [word("protection"), word("none")]
]
const made = (algo: string, values: ReadonlyArray<Uint8Array>, curve?: string): Buffer =>
  writeCanonical(list(algo, values, curve))

/** A number as libgcrypt writes it. */
const standard = (number: bigint): Buffer => {
  const hex = number.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")
  return bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
}
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`)

const inverse = (number: bigint, modulus: bigint): bigint => {
  let [low, high, one, other] = [number % modulus, modulus, 1n, 0n]
  while (low > 1n) {
    const times = high / low
    ;[high, low, other, one] = [low, high - times * low, one, other - times * one]
  }
  return (one + modulus) % modulus
}

/** The secret of one key beside the public part of another. */
const crossed = (one: SecretKey, other: SecretKey): PublicKey | undefined => {
  if (one.kind === "ecc" && other.kind === "ecc") {
    return proven(made("ECDSA", [other.parts.q, one.parts.d], other.curve))
  }
  if (one.kind === "rsa" && other.kind === "rsa") {
    const { d, p, q, u } = one.parts
    return proven(made("RSA", [other.parts.n, other.parts.e, d, p, q, u]))
  }
  throw new Error("expected two keys of one kind")
}

describe("a key as gpg sends it is proven", () => {
  for (const [name, wrapped] of provable) {
    it(name, () => {
      const key = parsed(wrapped)
      assert.isTrue(key.kind === "rsa" || key.kind === "ecc")
      const expected = key.kind === "rsa"
        ? publicKeyOf("rsa", { n: key.parts.n, e: key.parts.e })
        : key.kind === "ecc"
        ? point(key.parts.q)
        : undefined
      assert.deepStrictEqual(provenKey(key), expected)
    })
  }

  it("and what was proven outlives the bytes that are wiped", () => {
    for (const [name, wrapped] of provable) {
      const bytes = plain(wrapped)
      const [one, other] = [proven(bytes), proven(plain(wrapped))]
      bytes.fill(0)
      assert.deepStrictEqual(one, other, name)
    }
  })

  it("Ed448 and X448, as newer agents spell them", () => {
    const ed = generateKeyPairSync("ed448")
    const x = generateKeyPairSync("x448")
    for (const [curve, pair, size] of [["Ed448", ed, 57], ["X448", x, 56]] as const) {
      const secret = pair.privateKey.export({ format: "der", type: "pkcs8" }).subarray(-size)
      const q = pair.publicKey.export({ format: "der", type: "spki" }).subarray(-size)
      assert.deepStrictEqual(proven(made("EDDSA", [q, secret], curve)), point(q))
      assert.isUndefined(proven(made("EDDSA", [q, Buffer.alloc(size, 7)], curve)))
    }
    assert.strictEqual(diffieHellman({ privateKey: x.privateKey, publicKey: x.publicKey }).length, 56)
  })

  it("a key whose secret begins with zeros, which a number does not keep", () => {
    // RFC 7748 and RFC 8032 have none; the point of the number 1 is the base point
    const base = Buffer.from(
      "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        + "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
      "hex"
    )
    assert.deepStrictEqual(proven(made("ECDSA", [base, Buffer.from([1])], "NIST P-256")), point(base))
  })
})

describe("nothing is proven", () => {
  for (const [name, wrapped] of provable) {
    it(`with any one bit of a public part of ${name} changed`, () => {
      const key = parsed(wrapped)
      const value = key.kind === "rsa" ? key.parts.n : key.kind === "ecc" ? key.parts.q : Buffer.alloc(0)
      for (const at of [1, value.length >> 1, value.length - 1]) {
        value[at]! ^= 1
        assert.isUndefined(provenKey(key), `byte ${at}`)
        value[at]! ^= 1
      }
      assert.isDefined(provenKey(key))
    })
  }

  it("with the secret part of another key", () => {
    assert.isUndefined(crossed(parsed(recorded["rsa2048"]!), parsed(recorded["rsa2048 rsa2048"]!)))
    for (const curve of ["nistp256", "nistp384", "nistp521", "brainpoolP256r1", "secp256k1"]) {
      assert.isUndefined(crossed(parsed(recorded[curve]!), parsed(recorded[`${curve} ${curve}`]!)), curve)
    }
  })

  it("by the point of a curve under the name of another, or of one that is not known", () => {
    const key = parsed(recorded["nistp256"]!)
    if (key.kind !== "ecc") throw new Error("expected a point")
    for (const curve of ["secp256k1", "brainpoolP256r1", "nistp256", "NIST P-192", "Ed25519", "", "constructor"]) {
      assert.isUndefined(provenKey({ ...key, curve }), curve)
    }
  })

  it("by factors of n that are no secret, or none, or negative", () => {
    const key = parsed(recorded["rsa2048"]!)
    if (key.kind !== "rsa") throw new Error("expected an RSA key")
    const { e, n } = key.parts
    const one = Buffer.from([1])
    for (const [p, q] of [[one, n], [n, one], [Buffer.from([0xff]), n]] as const) {
      assert.isUndefined(proven(made("RSA", [n, e, one, p, q, one])))
    }
  })

  it("by an n that is the text of which the keygrip of another key is the hash", () => {
    // an odd multiple of 3, as every sixth such text is; nobody asks whether the other factor is a prime
    let text = numberOf(
      Buffer.from("(1:p32:................................)(1:a1:.)(1:q33:.................................)")
    )
    while (text % 6n !== 3n || text % 9n === 0n) text++
    const [p, q] = [3n, text / 3n]
    const order = (p - 1n) * (q - 1n)
    let e = 65537n
    while (inverse(e, order) * e % order !== 1n) e += 2n
    const d = inverse(e, order)
    const parts = (n: bigint, first: bigint, second: bigint) =>
      [n, e, d, first, second, inverse(first, second)].map(standard)
    assert.strictEqual(p * q, text)
    assert.strictEqual(standard(text).toString("latin1", 0, 7), "(1:p32:")
    assert.isUndefined(proven(made("RSA", parts(text, p, q))))
  })

  for (const [name, wrapped] of unprovable) {
    it(`by a whole key as gpg sends it, ${name}: anybody can make one with any public value`, () => {
      const key = parsed(wrapped)
      assert.include(["dsa", "elg"], key.kind)
      assert.isUndefined(provenKey(key))
    })
  }

  it("by a group in which the public part of another key is the power of a known number", () => {
    const rsa = parsed(recorded["rsa2048"]!)
    if (rsa.kind !== "rsa") throw new Error("expected an RSA key")
    const n = Buffer.from(rsa.parts.n)
    const one = Buffer.from([1])
    // n = n^1 modulo anything that is greater
    for (const more of [2n, 4n, 6n]) {
      const p = standard(numberOf(n) + more)
      for (const bytes of [made("ELG", [p, n, n, one]), made("DSA", [p, standard(257n), n, n, one])]) {
        assert.isDefined(parseSecretKey(bytes), "a key that the agent would take")
        assert.isUndefined(proven(bytes))
      }
    }
  })

  it("by powers, however large, and in no time", () => {
    const huge = standard((1n << 8192n) - 1n)
    const started = performance.now()
    assert.isUndefined(proven(made("ELG", [huge, Buffer.from([3]), Buffer.from([9]), Buffer.from([2])])))
    assert.isUndefined(proven(made("ELG", [huge, Buffer.from([3]), Buffer.from([9]), huge])))
    assert.isBelow(performance.now() - started, 200)
  })
})

describe("what is no whole key without a passphrase is not taken apart", () => {
  const key = parsed(recorded["ed25519"]!)
  if (key.kind !== "ecc") throw new Error("expected a point")
  const { d, q } = key.parts
  const good = list("EDDSA", [q, d], "Ed25519")
  const without = (index: number): Array<Sexp> => good.filter((_, at) => at !== index)

  it("but the key itself is", () => assert.deepStrictEqual(proven(writeCanonical(good)), point(q)))

  it("a key with a passphrase", () => assert.isUndefined(parseSecretKey(plain(withPassphrase))))

  it("a key of the agent's own form, which it refuses with --unattended", () => {
    const own = [word("private-key"), [word("ecc"), [word("curve"), word("Ed25519")], [word("q"), q], [word("d"), d]]]
    assert.isUndefined(parseSecretKey(writeCanonical(own)))
  })

  it("parts that are missing, twice there, in lists of their own, or in another order", () => {
    const other = list("EDDSA", [Buffer.alloc(33, 0x40), Buffer.alloc(32, 1)], "Ed25519")
    const forms: ReadonlyArray<Array<Sexp>> = [
      ...good.map((_, index) => without(index)),
      ...good.map((part) => [...good, part]),
      [...good.slice(0, 4), other[4]!, ...good.slice(4)],
      [good[0]!, [other[4]!], ...good.slice(1)],
      [good[0]!, good[2]!, good[1]!, ...good.slice(3)],
      [good[0]!, [word("version"), word("4"), other[4]!], ...good.slice(2)],
      [...without(6), [word("protection"), word("none"), word("none")]],
      [...without(6), [word("protection"), word("sum")]]
    ]
    for (const form of forms) assert.isUndefined(proven(writeCanonical(form)))
  })

  it("bytes behind the key that are more than its filling, and bytes cut off", () => {
    const bytes = writeCanonical(good)
    assert.isUndefined(parseSecretKey(Buffer.concat([bytes, Buffer.from("x")])))
    assert.isUndefined(parseSecretKey(Buffer.concat([bytes, Buffer.alloc(9)])))
    for (let end = 0; end < bytes.length; end++) assert.isUndefined(parseSecretKey(bytes.subarray(0, end)))
  })
})
