// Expected trees are what libgcrypt 1.10.1 makes of the same bytes: each spelling below went through gcry_sexp_sscan
// and gcry_sexp_sprint in canonical form. Answers to INQUIRE KEYPARAM are as clients sent them. Text is latin1.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { parseAdvanced } from "../../src/sexp/parse-advanced.ts"
import { parseCanonical } from "../../src/sexp/parse-canonical.ts"
import { isAtom, MAX_ATOM, MAX_DEPTH, type Sexp } from "../../src/sexp/sexp.ts"
import { writeCanonical } from "../../src/sexp/write-canonical.ts"

type Text = string | ReadonlyArray<Text>

const text = (sexp: Sexp): Text => isAtom(sexp) ? Buffer.from(sexp).toString("latin1") : sexp.map(text)
const latin1 = (bytes: string): Buffer => Buffer.from(bytes, "latin1")
const rewritten = (bytes: string): string =>
  writeCanonical(Result.getOrThrow(parseAdvanced(latin1(bytes)))).toString("latin1")

/** Why, and where. */
const refusal = (bytes: string): readonly [string, number] => {
  const result = parseAdvanced(latin1(bytes))
  assert.isTrue(Result.isFailure(result), bytes.slice(0, 60))
  return Result.isFailure(result) ? [result.failure.reason, result.failure.offset] : ["", -1]
}

/** Answers to INQUIRE KEYPARAM: gpg 2.2.40 to 2.5.12, and gpgsm 2.2.40 the last. */
const keyParameters: ReadonlyArray<readonly [string, string]> = [
  ["(genkey(rsa(nbits 4:3072)))", "(6:genkey(3:rsa(5:nbits4:3072)))"],
  [
    "(genkey(ecc(curve 7:Ed25519)(flags eddsa comp)))",
    "(6:genkey(3:ecc(5:curve7:Ed25519)(5:flags5:eddsa4:comp)))"
  ],
  [
    "(genkey(ecc(curve 10:Curve25519)(flags djb-tweak comp)))",
    "(6:genkey(3:ecc(5:curve10:Curve25519)(5:flags9:djb-tweak4:comp)))"
  ],
  [
    "(genkey(ecc(curve 15:brainpoolP384r1)(flags nocomp)))",
    "(6:genkey(3:ecc(5:curve15:brainpoolP384r1)(5:flags6:nocomp)))"
  ],
  ["(genkey(kyber768))", "(6:genkey(8:kyber768))"],
  ["(6:genkey(3:rsa(5:nbits4:2048)))", "(6:genkey(3:rsa(5:nbits4:2048)))"]
]

const spellings: ReadonlyArray<readonly [what: string, spelling: string, canonical: string]> = [
  ["blanks of every kind", "\n\t\v\f\r (a)\n", "(1:a)"],
  ["blanks or none around lists", "( a ( bob c ) ( ( d e ) ( e f ) )  )", "(1:a(3:bob1:c)((1:d1:e)(1:e1:f)))"],
  ["empty lists inside a list", "(a ( ) (()))", "(1:a()(()))"],
  [
    "tokens of all their characters",
    "( :=.. //example.net/names/smith * class-of-1997 )",
    "(4::=..25://example.net/names/smith1:*13:class-of-1997)"
  ],
  ["a minus sign as part of a token", "(a -1)", "(1:a2:-1)"],
  ["a token that swallows what would be a length", "(nbits4:3072)", "(11:nbits4:3072)"],
  ["a token right behind a verbatim atom", "(5:nbits4:3072a)", "(5:nbits4:30721:a)"],
  ["atoms that need nothing between them", "(a\"b\"c#64#e(f)g)", "(1:a1:b1:c1:d1:e(1:f)1:g)"],
  ["hexadecimal", "(# 616\n 263 # 3#616263# #aBcD#)", "(3:abc3:abc2:\xab\xcd)"],
  ["strings with every escape of one letter", String.raw`("\b\t\v\n\f\r\"\'\\")`, "(9:\b\t\v\n\f\r\"'\\)"],
  [
    "strings with octal and hexadecimal escapes",
    String.raw`("\xFE is the same octet as \376")`,
    "(24:\xfe is the same octet as \xfe)"
  ],
  ["strings with their length", String.raw`(3"\n\n\n")`, "(3:\n\n\n)"],
  ["strings over line ends", "(\"a\\\r\nb\\\n\rc\\\rd\\\ne\")", "(5:abcde)"],
  ["strings with raw bytes", "(\"(\0\xff\n)\")", "(5:(\0\xff\n))"],
  ["marks inside strings and verbatim atoms", "(a \"|[{\" 4:%)(#)", "(1:a3:|[{4:%)(#)"]
]

describe("parseAdvanced", () => {
  it("reads what gpg and gpgsm answer to INQUIRE KEYPARAM", () => {
    for (const [answer, canonical] of keyParameters) assert.strictEqual(rewritten(answer), canonical)
  })

  for (const [what, spelling, canonical] of spellings) {
    it(`reads ${what} as libgcrypt does`, () => {
      assert.strictEqual(rewritten(spelling), canonical)
    })
  }

  it("misses the rest of every proper prefix, at its end", () => {
    const answers = keyParameters.map(([answer]) => answer)
    for (const whole of [...answers, ...spellings.map(([, spelling]) => spelling.trimEnd())]) {
      for (let length = 0; length < whole.length; length++) {
        assert.deepStrictEqual(refusal(whole.slice(0, length)), ["unexpected end", length])
      }
    }
  })

  it("refuses all but blanks behind the list, where libgcrypt drops an unfinished atom", () => {
    for (const tail of ["\0", "xyz", "\"x", "#6", "12", "[b", "(b)", ")"]) {
      assert.deepStrictEqual(refusal(`(a) ${tail}`), ["bytes behind the list", 4])
    }
  })

  it("refuses what is no list, and a list of nothing", () => {
    for (const bytes of ["a", "3:abc", "\"a\"", ")", "\0", "{KGEp}", "[a]b", "a(b)"]) {
      assert.deepStrictEqual(refusal(` ${bytes}`), ["not a list", 1])
    }
    assert.deepStrictEqual(refusal("( )"), ["empty list", 2])
  })

  it("refuses the formats of gcry_sexp_build, and bytes that stand for nothing", () => {
    const formats = ["%d", "%s", "%b", "%m", "%S", "%%"]
    for (const bytes of [...formats, "{YQ==}", "}", "&", "\\", "!", "'", ",", ";", "\0", "\x80"]) {
      assert.deepStrictEqual(refusal(`(a ${bytes})`), ["unexpected byte", 3])
    }
    assert.deepStrictEqual(refusal("(a\0b)"), ["unexpected byte", 2])
  })

  it("refuses base64 and display hints, which versions of libgcrypt read differently or as something else", () => {
    assert.deepStrictEqual(refusal("(a |YWJj|)"), ["base64", 3])
    assert.deepStrictEqual(refusal("(a 3|YWJj|)"), ["base64", 4])
    for (const hint of ["[b]c", "[ b ] c", "[]", "]"]) {
      assert.deepStrictEqual(refusal(`(a ${hint})`), ["display hint", 3])
    }
  })

  it("refuses empty atoms in every spelling", () => {
    for (const atom of ["0:", "\"\"", "##", "# #", "0\"\"", "0##", "\"\\\n\""]) {
      assert.deepStrictEqual(refusal(`(a ${atom})`), ["empty atom", 3])
    }
  })

  it("refuses a length that is malformed, or not the atom's own", () => {
    const malformed = ["01:b", "00:", "1b", "1 :b", "1 b", "1)", "1(", "1[b]", "1e0:b"]
    for (const atom of [...malformed, "2\"b\"", "1\"bb\"", "2#62#", "0#62#"]) {
      assert.deepStrictEqual(refusal(`(a ${atom})`), ["bad length", 3])
    }
    for (const length of ["65536", "4294967297", "18446744073709551617", "99999999999999999999"]) {
      for (const atom of [":b", "\"b\"", "#62#"]) {
        assert.deepStrictEqual(refusal(`(a ${length}${atom})`), ["atom too long", 3])
      }
    }
  })

  it("refuses atoms beyond the limit in every spelling, and takes the limit itself", () => {
    const spelt = (length: number): ReadonlyArray<string> => [
      `(${"x".repeat(length)})`,
      `("${"x".repeat(length)}")`,
      `(#${"78".repeat(length)}#)`,
      `(${length}:${"x".repeat(length)})`
    ]
    for (const bytes of spelt(MAX_ATOM)) assert.strictEqual(rewritten(bytes), `(65535:${"x".repeat(65535)})`)
    for (const bytes of spelt(MAX_ATOM + 1)) assert.deepStrictEqual(refusal(bytes), ["atom too long", 1])
  })

  it("refuses escapes that libgcrypt does not know, or whose value is no byte", () => {
    // \a and \? are RFC 9804's, but not libgcrypt's; \400 and \777 are more than libgcrypt can keep
    for (const escape of ["a", "?", "q", "0)", "8", "18", "400", "777", "X41"]) {
      assert.strictEqual(refusal(`("\\${escape}")`)[0], "bad escape")
    }
    for (const escape of ["x", "x4", "xg0", "x 41", "1", "12", "12x"]) {
      assert.strictEqual(refusal(`("\\${escape}" b)`)[0], "bad escape")
    }
  })

  it("refuses hexadecimal of half a byte, and of other letters", () => {
    for (const digits of ["6", "616", "g0", "0x61", "6:", "61)", "61\"", "6\0"]) {
      assert.strictEqual(refusal(`(#${digits}# b)`)[0], "bad hexadecimal")
    }
  })

  it("takes lists to the depth of the limit and refuses a bomb at the first that is deeper", () => {
    const nested = (depth: number): string => "(".repeat(depth) + "a" + ")".repeat(depth)
    assert.strictEqual(rewritten(nested(MAX_DEPTH)), "(".repeat(32) + "1:a" + ")".repeat(32))
    assert.deepStrictEqual(refusal(nested(MAX_DEPTH + 1)), ["lists too deep", MAX_DEPTH])
    assert.deepStrictEqual(refusal(" (".repeat(100_000)), ["lists too deep", 2 * MAX_DEPTH + 1])
  })

  it("gives a tree that canonical form carries unchanged", () => {
    const whole = ["(", ")", "()", "(b c)", " ", "\n", "a", "nbits", "4:3072", "1:)", "\"a b\"", "#61 62#", "3#616263#"]
    const odd = ["\"\\x41\\101\"", "\"a\\\r\n\"", "1\"a\"", "2\"a\"", "0:", "|YQ==|", "[", "\"", "#", "\\", "\0", "12"]
    const piece = fc.constantFrom(...whole, ...odd)
    const list = fc.array(piece, { maxLength: 6 }).map((pieces) => `(${pieces.join("")})`)
    let taken = 0
    fc.assert(
      fc.property(list, (bytes) => {
        const result = parseAdvanced(latin1(bytes))
        if (Result.isFailure(result)) return
        taken++
        const again = Result.getOrThrow(parseCanonical(writeCanonical(result.success)))
        assert.deepStrictEqual(text(again), text(result.success))
      }),
      { seed: 2240, numRuns: 3000 }
    )
    assert.isAbove(taken, 300)
  })
})
