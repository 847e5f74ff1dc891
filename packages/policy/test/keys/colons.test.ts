// Listings as gpg 2.2.40 printed them, and what a newer or a broken one could print.
import { assert, describe, it } from "@effect/vitest"
import { parseColons } from "@gripgate/policy/keys/colons"
import * as fc from "fast-check"

const alice = [
  "tru::1:1795479795:0:3:1:5",
  "pub:u:255:22:EF3C026AB1F0B056:1795479795:::u:::scESC:::::ed25519:::0:",
  "fpr:::::::::AE1FA4A4D3095F2BA141A936EF3C026AB1F0B056:",
  "grp:::::::::5BA0D0903B34A5C0FB871DACAE8D690D7F54EA52:",
  "uid:u::::1795479795::76BD147C838E2BFA15D0FED1963B6820282E9515::Alice <alice@example.org>::::::::::0:",
  "sub:u:255:18:AA674822E16F1E97:1795479795::::::e:::::cv25519::",
  "fpr:::::::::955C58891802BF29463CA976AA674822E16F1E97:",
  "grp:::::::::E38F7DADB9251B5327F9BD408723813803F5578D:"
]

const revoked = [
  "pub:r:255:22:35A59624BC190221:1795479795:::-:::sc:::::ed25519:::0:",
  "fpr:::::::::4A752D798649531EA813253435A59624BC190221:",
  "grp:::::::::572310277959DC52BCCEE2F6F12A546EE1324917:",
  "uid:r::::::0848A305D0E5CFB1B40C9B09D44EF82A995F59FF::Mallory <alice@example.org>::::::::::0:",
  "uid:-::::1795480108::71DE95EF1207B7C4A1470C730E37C63E18505AF3::Other\\x3a back\\x5cslash grün <o@example.org>::::::::::0:",
  "sub:r:255:18:AA674822E16F1E97:1795479795::::::e:::::cv25519::",
  "fpr:::::::::955C58891802BF29463CA976AA674822E16F1E97:",
  "grp:::::::::E38F7DADB9251B5327F9BD408723813803F5578D:"
]

const parse = (...lines: ReadonlyArray<string>) => parseColons(lines.map((line) => `${line}\n`).join(""))

/** The user id that is written like this in a listing. */
const userId = (written: string) => {
  const lines = alice.map((line) => line.startsWith("uid") ? `uid:u::::1::F::${written}::::::::::0:` : line)
  return parse(...lines)[0]?.userIds[0]?.text
}

describe("parseColons", () => {
  it("reads primary key, subkey, user id and ownertrust", () => {
    assert.deepStrictEqual(parse(...alice), [{
      fingerprint: "AE1FA4A4D3095F2BA141A936EF3C026AB1F0B056",
      ultimate: true,
      userIds: [{ text: "Alice <alice@example.org>", address: "alice@example.org" }],
      keys: [
        {
          keygrip: "5BA0D0903B34A5C0FB871DACAE8D690D7F54EA52" as never,
          fingerprint: "AE1FA4A4D3095F2BA141A936EF3C026AB1F0B056",
          keyId: "EF3C026AB1F0B056",
          primary: true,
          // the capitals are what all of the certificate can do
          capabilities: new Set(["sign", "certify"] as const)
        },
        {
          keygrip: "E38F7DADB9251B5327F9BD408723813803F5578D" as never,
          fingerprint: "955C58891802BF29463CA976AA674822E16F1E97",
          keyId: "AA674822E16F1E97",
          primary: false,
          capabilities: new Set(["encrypt"] as const)
        }
      ]
    }])
  })

  it("keeps a revoked key, and leaves a revoked user id out", () => {
    const [first, second] = parse(...alice, ...revoked)
    assert.strictEqual(first?.keys.length, 2)
    assert.strictEqual(second?.keys.length, 2)
    assert.isFalse(second?.ultimate)
    assert.deepStrictEqual(second?.userIds, [{
      text: "Other: back\\slash grün <o@example.org>",
      address: "o@example.org"
    }])
  })

  it("decodes escapes as the bytes of UTF-8", () => {
    assert.strictEqual(userId("gr\\xc3\\xbcn"), "grün")
    assert.strictEqual(userId("a\\nb\\tc\\0d\\x1b"), "a\nb\tc\0d\u001b")
    assert.strictEqual(userId("\\x5cx41"), "\\x41")
    assert.strictEqual(userId("\\xff"), "\ufffd")
    assert.strictEqual(userId("\\xg1 \\q \\"), "\\xg1 \\q \\")
  })

  it("gives a key of two parts one entry for each keygrip", () => {
    const two = `grp:::::::::${"A".repeat(40)},${"B".repeat(40)}:`
    const [found] = parse(...alice.map((line, i) => i === 7 ? two : line))
    assert.deepStrictEqual(found?.keys.map(({ keygrip }) => keygrip.slice(0, 1)), ["5", "A", "B"])
    assert.strictEqual(found?.keys[1]?.fingerprint, found?.keys[2]?.fingerprint)
  })

  it("takes a fingerprint of 64 digits, and not the one of a revocation key or a second form", () => {
    const long = "0123456789abcdef".repeat(4)
    const lines = alice.map((line, i) => i === 2 ? `fpr:::::::::${long}:` : line)
    const [found] = parse(
      ...lines.slice(0, 3),
      `fp2:::::::::${"C".repeat(64)}:`,
      `rvk:::17::::::${"D".repeat(40)}:`,
      ...lines.slice(3)
    )
    assert.strictEqual(found?.fingerprint, long.toUpperCase())
  })

  it("leaves out a key without a keygrip, and a certificate without a key", () => {
    const without = alice.filter((line) => !line.startsWith("grp:::::::::5"))
    assert.deepStrictEqual(parse(...without)[0]?.keys.map(({ primary }) => primary), [false])
    assert.deepStrictEqual(parse(...alice.filter((line) => !line.startsWith("grp"))), [])
    assert.deepStrictEqual(parse(...alice.map((line) => line.startsWith("grp") ? "grp:::::::::12:" : line)), [])
  })

  it("skips records that it does not know, and fields that came later", () => {
    const noisy = alice.flatMap((
      line
    ) => [line && `${line}new:fields:`, "xyz:1:2", "", ":", "sig:::1:EF3C026AB1F0B056:1::::Alice:13x:"])
    assert.deepStrictEqual(parse(...noisy), parse(...alice))
  })

  it("never gives a key of a broken record to the certificate before it, nor its keygrip to another key", () => {
    const broken = alice.map((line) => line.startsWith("sub") ? "sub:u:255:18:nonsense:1::::::e:" : line)
    assert.deepStrictEqual(parse(...broken)[0]?.keys.map(({ keyId }) => keyId), ["EF3C026AB1F0B056"])
  })

  it("never throws, whatever the text", () => {
    const word = fc.oneof(
      fc.constantFrom("pub", "sub", "fpr", "grp", "uid", "tru", "\\x4", "\\xff", "A".repeat(40)),
      fc.string()
    )
    const line = fc.array(word, { maxLength: 14 }).map((words) => words.join(":"))
    fc.assert(fc.property(fc.array(fc.oneof(line, fc.constantFrom(...alice))), (lines) => {
      for (const { fingerprint, keys } of parseColons(lines.join("\n"))) {
        assert.match(fingerprint, /^[0-9A-F]{40}([0-9A-F]{24})?$/)
        assert.isAbove(keys.length, 0)
      }
    }))
  })
})
