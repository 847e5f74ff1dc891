import { assert, describe, it } from "@effect/vitest"
import { meaningOf, parseSelector, SELECTOR_FORMS } from "@gripgate/policy/file/selector"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { grip } from "../read.ts"

const digits = "0123456789ABCDEF0123456789ABCDEF01234567"
const printed = "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"
const long = "0123456789ABCDEF".repeat(4)

describe("parseSelector", () => {
  it("takes every form that names keys for certain", () => {
    for (
      const [text, wanted] of [
        ["*", { kind: "all" }],
        [`grip:${"aB".repeat(20)}`, { kind: "grip", keygrip: "AB".repeat(20) }],
        [digits, { kind: "fingerprint", digits, exact: false }],
        [digits.toLowerCase(), { kind: "fingerprint", digits, exact: false }],
        [`0x${digits}`, { kind: "fingerprint", digits, exact: false }],
        [`0X${digits}!`, { kind: "fingerprint", digits, exact: true }],
        [printed, { kind: "fingerprint", digits, exact: false }],
        [`${printed}!`, { kind: "fingerprint", digits, exact: true }],
        [long, { kind: "fingerprint", digits: long, exact: false }],
        ["0123456789abcdef", { kind: "key id", digits: "0123456789ABCDEF", exact: false }],
        ["0x0123456789ABCDEF!", { kind: "key id", digits: "0123456789ABCDEF", exact: true }],
        ["alice@example.org", { kind: "address", address: "alice@example.org" }],
        ["<Alice@Example.ORG>", { kind: "address", address: "alice@example.org" }],
        ["a+b.c_d-e=f'g@sub.example.org", { kind: "address", address: "a+b.c_d-e=f'g@sub.example.org" }],
        ["root@localhost", { kind: "address", address: "root@localhost" }],
        ["J\u00f6RG@b\u00fccher.example", { kind: "address", address: "j\u00f6rg@b\u00fccher.example" }]
      ] as const
    ) {
      assert.deepStrictEqual<unknown>(parseSelector(text), Result.succeed(wanted), text)
    }
  })

  it("refuses what others can make keys for, and what is none", () => {
    const name = (text: string) => ({ message: `"${text}" is no key: a name can be anybody's`, hint: SELECTOR_FORMS })
    const short = (text: string) => ({
      message: `a key id of 8 digits can be forged: "${text}"`,
      hint: "give the fingerprint, or the 16 digits that gpg --list-keys --keyid-format long shows"
    })
    const count = (got: number) => ({
      message: `expected 16 hexadecimal digits for a key id, 40 or 64 for a fingerprint, got ${got}`,
      hint: "gpg --list-keys --with-subkey-fingerprint shows fingerprints"
    })
    const keygrip = (text: string) => ({
      message: `expected "grip:" and 40 hexadecimal digits, got "${text}"`,
      hint: "gpg --list-secret-keys --with-keygrip shows it"
    })
    for (
      const [text, wrong] of [
        ["", { message: "expected a key, got an empty string", hint: SELECTOR_FORMS }],
        ["Alice", name("Alice")],
        ["Ada", name("Ada")],
        ["Alice Example", name("Alice Example")],
        ["**", name("**")],
        ["*!", name("*!")],
        ["=Alice", name("=Alice")],
        ["&0123", name("&0123")],
        [`GRIP:${grip("A")}`, name(`GRIP:${grip("A")}`)],
        [`${digits} !`, name(`${digits} !`)],
        [`${digits}!!`, name(`${digits}!!`)],
        [` ${digits}`, name(` ${digits}`)],
        [`${digits}\n`, name(`${digits}\\u{a}`)],
        ["1234abcd", short("1234abcd")],
        ["0x1234ABCD!", short("0x1234ABCD!")],
        ["0x12", count(2)],
        [digits.slice(1), count(39)],
        [`${digits}0`, count(41)],
        ["0".repeat(32), count(32)],
        ["0123 4567 89AB CDEF", {
          message: "a key id has no blanks: \"0123 4567 89AB CDEF\"",
          hint: "write \"0123456789ABCDEF\""
        }],
        ["grip:00", keygrip("grip:00")],
        ["grip:", keygrip("grip:")],
        [`grip:${grip("A")}!`, keygrip(`grip:${grip("A")}!`)],
        [`grip: ${grip("A")}`, keygrip(`grip: ${grip("A")}`)]
      ] as const
    ) {
      assert.deepStrictEqual<unknown>(parseSelector(text), Result.fail(wrong), text)
    }
  })

  it("takes an address only whole, alone and without patterns", () => {
    const hint =
      "an address stands for exactly itself, as in \"alice@example.org\": no name, no pattern, no part of one"
    for (
      const text of [
        "@",
        "@example.org",
        "alice@",
        "alice@@example.org",
        "a@b@c",
        "<alice@example.org",
        "alice@example.org>",
        "*@example.org",
        "alic?@example.org",
        "alice@*.org",
        "alice@example..org",
        "alice@.org",
        "alice@example.org.",
        "alice@[127.0.0.1]",
        "\"alice\"@example.org",
        "alice@example.org,bob@example.org",
        "alice @example.org",
        " alice@example.org",
        "alice@example.org\u00a0",
        "alice@example.org!",
        "al(x)ice@example.org"
      ]
    ) {
      const message = `"${text}" is not one mail address`
      assert.deepStrictEqual<unknown>(parseSelector(text), Result.fail({ message, hint }), text)
    }
    for (const hidden of ["\n", "\u0000", "\u200b", "\u202e", "\u034f", "\ufe0f", "\u3164", "\ufffd", "\ud800"]) {
      assert.isTrue(Result.isFailure(parseSelector(`a${hidden}@b.org`)))
      assert.isTrue(Result.isFailure(parseSelector(`a@b${hidden}.org`)))
    }
  })

  it("shows the address within a whole user id", () => {
    const hint = "write the address alone: \"alice@example.org\""
    for (const text of ["Alice <alice@example.org>", "Alice (work) <alice@example.org>", "x@y <alice@example.org>"]) {
      const message = `"${text}" is not one mail address`
      assert.deepStrictEqual<unknown>(parseSelector(text), Result.fail({ message, hint }))
    }
  })

  it("never throws, and what it takes has the digits that were given", () => {
    const piece = fc.constantFrom("0x", "!", " ", "a", "F", "0", "@", "<", ">", ".", "grip:", digits, "\u00e9", "*")
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join("")
        const wanted = Result.getOrUndefined(parseSelector(text))
        if (wanted?.kind === "fingerprint" || wanted?.kind === "key id") {
          assert.strictEqual(wanted.digits, text.replace(/^0x|[ !]/gi, "").toUpperCase())
          assert.strictEqual(wanted.exact, text.endsWith("!"))
        }
      }),
      { seed: 20160614, numRuns: 2000 }
    )
  })
})

describe("meaningOf", () => {
  it("is the same for two spellings of one meaning, and only for these", () => {
    const classes = [
      ["*"],
      [`grip:${"ab".repeat(20)}`, `grip:${"AB".repeat(20)}`],
      [digits, `0x${digits.toLowerCase()}`, printed],
      [`${digits}!`, `0x${printed}!`],
      ["0123456789abcdef", "0x0123456789ABCDEF"],
      ["0123456789abcdef!"],
      ["alice@example.org", "<ALICE@example.org>"],
      ["bob@example.org"]
    ].map((texts) => new Set(texts.map((text) => meaningOf(Result.getOrThrow(parseSelector(text))))))
    for (const one of classes) assert.strictEqual(one.size, 1)
    assert.strictEqual(new Set(classes.flatMap((one) => [...one])).size, classes.length)
  })
})
