// Golden bytes are answers to INQUIRE CIPHERTEXT as clients sent them, the `D` lines decoded, and the examples of
// RFC 9804, 6.2. Text in expectations is latin1, one character a byte.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { parseCanonical } from "../../src/sexp/parse-canonical.ts"
import { isAtom, MAX_ATOM, MAX_DEPTH, type Sexp } from "../../src/sexp/sexp.ts"
import { writeCanonical } from "../../src/sexp/write-canonical.ts"

type Text = string | ReadonlyArray<Text>

const text = (sexp: Sexp): Text => isAtom(sexp) ? Buffer.from(sexp).toString("latin1") : sexp.map(text)
const latin1 = (bytes: string): Buffer => Buffer.from(bytes, "latin1")
const parsed = (bytes: string): Text => text(Result.getOrThrow(parseCanonical(latin1(bytes))))
const hex = (digits: string): string => Buffer.from(digits, "hex").toString("latin1")

/** Why, and where. */
const refusal = (bytes: string): readonly [string, number] => {
  const result = parseCanonical(latin1(bytes))
  assert.isTrue(Result.isFailure(result), bytes.slice(0, 60))
  return Result.isFailure(result) ? [result.failure.reason, result.failure.offset] : ["", -1]
}

// gpg 2.2.40, --decrypt, cv25519: 117 bytes
const s22 = "30f3f39d58e6125bfaad780e1cbff5d36a8f898e079029b8a4d16f92c49798532012f4038e161f090b0084b74318b229bd"
const e22 = "402fa8df7f2480975e894e8723c719001d4c1f41fddd51f0ee68c28873a85e5957"
const ecdh = `(7:enc-val(4:ecdh(1:s49:${hex(s22)})(1:e33:${hex(e22)})))`

// gpg 2.5.12, --decrypt, cv25519: 205 bytes
const e25 = "7c1c32cc1cdca3c94f03ff4f7901c04c5f75fb4b92e3eb83342e990bff481030"
const s25 = "30d13bda07664f36f2ccb774fa1b50efb6c4d4b3ee42be231be6d98984c3615620699ca26d06b5d17425d7e78d3966004b"
const kdf =
  "0a2b0601040197550105011203010807416e6f6e796d6f75732053656e6465722020202079156b60fa0f5d1e812c93840fd0ba449c679342"
const kem = `(7:enc-val(3:ecc(1:c1:7)(1:h1:8)(1:e32:${hex(e25)})(1:s49:${hex(s25)})(10:kdf-params56:${hex(kdf)})))`

describe("parseCanonical", () => {
  it("reads what gpg answers to INQUIRE CIPHERTEXT", () => {
    assert.strictEqual(ecdh.length, 117)
    assert.deepStrictEqual(parsed(ecdh), ["enc-val", ["ecdh", ["s", hex(s22)], ["e", hex(e22)]]])
    assert.strictEqual(kem.length, 205)
    assert.deepStrictEqual(parsed(kem), [
      "enc-val",
      ["ecc", ["c", "7"], ["h", "8"], ["e", hex(e25)], ["s", hex(s25)], ["kdf-params", hex(kdf)]]
    ])
  })

  it("reads the examples of RFC 9804 that are lists without a display hint", () => {
    assert.deepStrictEqual(parsed("(6:issuer3:bob)"), ["issuer", "bob"])
    assert.deepStrictEqual(parsed("(7:subject(3:ref5:alice6:mother))"), ["subject", ["ref", "alice", "mother"]])
    assert.deepStrictEqual(parsed("(10:foo)]}>bar)"), ["foo)]}>bar"])
  })

  it("takes any byte inside an atom", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1")
    assert.deepStrictEqual(parsed(`(256:${all}1:\0)`), [all, "\0"])
  })

  it("reads lists whose first element is a list, and empty lists inside a list", () => {
    assert.deepStrictEqual(parsed("((1:a)()1:b)"), [["a"], [], "b"])
  })

  it("gives views of its input, not copies", () => {
    const bytes = latin1("(3:abc)")
    const [atom] = Result.getOrThrow(parseCanonical(bytes))
    assert.isTrue(atom !== undefined && isAtom(atom) && atom.buffer === bytes.buffer)
  })

  it("misses the rest of every proper prefix, at its end", () => {
    for (const whole of [ecdh, kem, "(7:subject(3:ref5:alice6:mother))", "(()10:foo)]}>bar)"]) {
      for (let length = 0; length < whole.length; length++) {
        assert.deepStrictEqual(refusal(whole.slice(0, length)), ["unexpected end", length])
      }
    }
  })

  it("refuses anything behind the list, also the NUL of gcry_sexp_sprint and a line end", () => {
    for (const tail of ["\0", "\n", "\r\n", " ", ")", "(1:a)", "1:a", "\0\0\0\0\0"]) {
      assert.deepStrictEqual(refusal(ecdh + tail), ["bytes behind the list", 117])
    }
  })

  it("refuses what is no list, and a list of nothing", () => {
    for (const bytes of ["3:abc", "10:foo)]}>bar", "0:", ")", " (1:a)", "\0", "a", "{KDE6YSk=}"]) {
      assert.deepStrictEqual(refusal(bytes), ["not a list", 0])
    }
    assert.deepStrictEqual(refusal("()"), ["empty list", 1])
  })

  it("refuses blanks and every other spelling", () => {
    for (const spelling of [" 1:b", "\n1:b", "b", "\"b\"", "#62#", "|Yg==|", "{MTpi}", "\0", "-1:b", "+1:b", "]"]) {
      assert.deepStrictEqual(refusal(`(1:a${spelling})`), ["unexpected byte", 4])
    }
    for (const spelling of ["1\"b\"", "1#62#", "1 :b", "1-:b", "0x1:b", "1e0:b", "1)"]) {
      assert.deepStrictEqual(refusal(`(1:a${spelling})`), ["bad length", 4])
    }
  })

  it("refuses display hints, which libgcrypt takes for atoms", () => {
    assert.deepStrictEqual(refusal("(4:icon[12:image/bitmap]9:xxxxxxxxx)"), ["display hint", 7])
  })

  it("refuses leading zeros and empty atoms", () => {
    for (const length of ["01", "001", "00", "007"]) {
      assert.deepStrictEqual(refusal(`(${length}:aaaaaaaaa)`), ["bad length", 1])
    }
    assert.deepStrictEqual(refusal("(1:a0:)"), ["empty atom", 4])
  })

  it("refuses lengths beyond the limit however long they are, and takes the limit itself", () => {
    assert.deepStrictEqual(parsed(`(${MAX_ATOM}:${"x".repeat(MAX_ATOM)})`), ["x".repeat(MAX_ATOM)])
    assert.deepStrictEqual(refusal(`(65536:${"x".repeat(65536)})`), ["atom too long", 1])
    // 2^32 + 1 and 2^64 + 1: one byte where a length wraps
    for (const length of ["4294967297", "18446744073709551617", "99999999999999999999", "9".repeat(100_000)]) {
      assert.deepStrictEqual(refusal(`(${length}:a)`), ["atom too long", 1])
    }
  })

  it("takes lists to the depth of the limit and refuses a bomb at the first that is deeper", () => {
    const nested = (depth: number): string => "(".repeat(depth) + "1:a" + ")".repeat(depth)
    assert.deepStrictEqual(
      parsed(nested(MAX_DEPTH)),
      Array.from({ length: MAX_DEPTH }).reduce<Text>((inner) => [inner], "a")
    )
    assert.deepStrictEqual(refusal(nested(MAX_DEPTH + 1)), ["lists too deep", MAX_DEPTH])
    assert.deepStrictEqual(refusal("(".repeat(100_000)), ["lists too deep", MAX_DEPTH])
  })

  it("accepts nothing that has a second spelling: what it takes is written back byte for byte", () => {
    const piece = fc.constantFrom("(", ")", "()", "1:a", "3:abc", "2:\n\0", "0:", "01:a", "1", ":", " ", "a", "[", "\0")
    const list = fc.array(piece, { maxLength: 8 }).map((pieces) => `(${pieces.join("")})`)
    let taken = 0
    fc.assert(
      fc.property(list, (bytes) => {
        const result = parseCanonical(latin1(bytes))
        if (Result.isFailure(result)) return
        taken++
        assert.strictEqual(writeCanonical(result.success).toString("latin1"), bytes)
      }),
      { seed: 9804, numRuns: 2000 }
    )
    assert.isAbove(taken, 50)
  })
})
