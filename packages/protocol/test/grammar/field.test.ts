// Each kind of word: what it takes, and what it makes of it.
import { assert, describe, it } from "@effect/vitest"
import {
  asKeygrip,
  choice,
  escapedText,
  type Field,
  fingerprint,
  hex,
  integer,
  isKeygrip,
  isotime,
  keygrip,
  keygripOrCardKey,
  number,
  rest,
  restWithDashes,
  secretHex,
  secretRest,
  word
} from "../../src/grammar/field.ts"
import { latin1 } from "../plain.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"

/** The value as text, or `undefined`; what is read must be written back. */
const read = (field: Field, text: string): string | undefined => {
  const value = field.read(latin1(text))
  if (value === undefined) return undefined
  const written = field.write(value).toString("latin1")
  assert.strictEqual(typeof value === "string" ? value : value.toString("latin1"), written)
  assert.deepStrictEqual(field.read(latin1(written)), value)
  return written
}

const assertReads = (field: Field, texts: Record<string, string>): void => {
  for (const [text, value] of Object.entries(texts)) assert.strictEqual(read(field, text), value, text)
}

const assertRefuses = (field: Field, ...texts: ReadonlyArray<string>): void => {
  for (const text of texts) assert.isUndefined(read(field, text), text)
}

describe("keygrip", () => {
  it("is forty digits in one case", () => {
    assertReads(keygrip, { [grip]: grip, [grip.toLowerCase()]: grip })
    assertRefuses(keygrip, "", grip.slice(1), `${grip}0`, `${grip.slice(1)}G`, `${grip.slice(1)}\n`)
    assert.isTrue(isKeygrip(grip))
    assert.isFalse(isKeygrip(grip.toLowerCase()))
    assert.isFalse(isKeygrip(latin1(grip)))
    assert.strictEqual(asKeygrip(keygrip.read(latin1(grip))!), grip)
  })

  it("or the name of a key on a card", () => {
    assertReads(keygripOrCardKey, { [grip.toLowerCase()]: grip, "OPENPGP.1": "OPENPGP.1", "$SIGNKEYID": "$SIGNKEYID" })
    assertRefuses(keygripOrCardKey, "", "--card", "a b", "a;b")
  })
})

describe("hexadecimal", () => {
  it("has whole bytes between its limits, in upper case", () => {
    assertReads(hex("X", 1, 3), { "0a": "0A", abcdef: "ABCDEF", "00": "00" })
    assertRefuses(hex("X", 1, 3), "", "a", "abc", "abcdef00", "0x", "g0", " 0", "0a ", "0a\n")
  })

  it("that is a secret stays bytes of the line, in its own case", () => {
    const line = latin1("xx61Aa")
    const value = secretHex("X", 3).read(line.subarray(2))
    assert.isTrue(Buffer.isBuffer(value))
    line.fill(0)
    assert.deepStrictEqual(value, Buffer.alloc(4))
    assertReads(secretHex("X", 3), { "61Aa": "61Aa", "616263": "616263" })
    assertRefuses(secretHex("X", 3), "", "6", "616", "61626364", "6G", "6`", "6@", "61 2", "6:", "6/")
    assert.isTrue(secretHex("X", 3).secret)
  })

  it("that is a fingerprint has 16 or 20 bytes, with or without colons", () => {
    assertReads(fingerprint, {
      [grip.toLowerCase()]: grip,
      [grip.slice(8)]: grip.slice(8),
      [grip.match(/../g)!.join(":")]: grip
    })
    assertRefuses(fingerprint, "", ":", grip.slice(2), `${grip}:0`, `${grip} `, grip.slice(8).replace("2", "-"))
  })
})

describe("numbers", () => {
  it("are decimal and have one spelling", () => {
    assertReads(number("N"), { 0: "0", 1: "1", "007": "7", "000000000": "0", 999999999: "999999999" })
    assertRefuses(number("N"), "", "-1", "+1", "1e3", "0x1", "1.0", " 1", "1 ", "1000000000", "\xb2")
  })

  it("may be negative where they are integers", () => {
    assertReads(integer("N"), { "-1": "-1", 0: "0", "-0": "0", "-007": "-7", 999999999: "999999999" })
    assertRefuses(integer("N"), "", "-", "--1", "+1", "- 1", "1-", "-1000000000")
  })

  it("of time are GnuPG's compact form", () => {
    assertReads(isotime, { "20261123T055141": "20261123T055141" })
    assertRefuses(
      isotime,
      "",
      "20261123",
      "20261123t055141",
      "20261123T05514",
      "20261123T0551411",
      "2026-11-23T05:51:41"
    )
  })
})

describe("words", () => {
  it("are letters, digits and harmless marks, to a length", () => {
    const good = [
      "a",
      "Z9",
      "-1",
      "a-b",
      "-",
      "S3D2533D879F31003",
      "Use-for-ssh:",
      "my:id@host",
      "OPENPGP.1",
      "a=b,c/d+e_f"
    ]
    assertReads(word("W"), Object.fromEntries([...good, "D276[CHV3]", "$AUTHKEYID"].map((text) => [text, text])))
    assertReads(word("W", 3), { abc: "abc" })
    assertRefuses(word("W", 3), "abcd", "")
    const marks = "\0\t\n\r !\"#%&'()*;<>?\\^`{|}~\x7f\x80\xff"
    for (const mark of marks) assertRefuses(word("W"), mark, `a${mark}`, `${mark}a`)
  })

  it("have two dashes nowhere: the agent would look for an option there", () => {
    assertRefuses(word("W"), "--", "--a", "a--", "a--b", "a---b", "x--verify")
  })

  it("may be chosen from a few, in their own case", () => {
    const field = choice("S", "P", "tls-md5sha1")
    assert.strictEqual(field.names, "S|P|tls-md5sha1")
    assertReads(field, { S: "S", P: "P", "tls-md5sha1": "tls-md5sha1" })
    assertRefuses(field, "", "s", "SP", "S|P", "S ", "toString")
  })
})

describe("text", () => {
  it("without blanks is any bytes, but no option", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1")
    assertReads(escapedText("T"), { "a+b%20--c": "a+b%20--c", "-a": "-a", "\xff\x01": "\xff\x01", [bytes]: bytes })
    assertRefuses(escapedText("T"), "", "--", "--a")
  })

  it("to the end of the line has blanks, but no option behind one", () => {
    for (const field of [rest("T"), secretRest("T")]) {
      assert.isTrue(field.rest)
      assertReads(field, { "a b  c\td ": "a b  c\td ", "a-- b--c": "a-- b--c", "- -a": "- -a", "CN=x": "CN=x" })
      assertRefuses(field, "", "--a", "a --b", "a\t--b", "a  --", "x --", "- --")
    }
    assert.isTrue(secretRest("T").secret)
    assert.isUndefined(rest("T").secret)
  })

  it("behind which nobody looks for options may begin with dashes", () => {
    const field = restWithDashes("T")
    assert.deepStrictEqual([field.rest, field.dashes], [true, true])
    assertReads(field, { "--force+1": "--force+1", "a --b": "a --b" })
    assertRefuses(field, "")
  })

  it("is a view of the line, so that whoever wipes the line wipes it", () => {
    for (const field of [escapedText("T"), rest("T"), secretRest("T"), restWithDashes("T"), secretHex("T", 9)]) {
      const line = latin1("6162")
      const value = field.read(line)
      line.fill(0)
      assert.deepStrictEqual(value, Buffer.alloc(4))
    }
  })
})
