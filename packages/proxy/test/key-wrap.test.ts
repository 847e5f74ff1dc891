import { assert, describe, it } from "@effect/vitest"
import { unwrap, wipe } from "../src/key-wrap.ts"
import { KeptImport } from "../src/session/import/kept.ts"
import { recorded, wrappingKey } from "./session/import/recorded.ts"

describe("unwrap", () => {
  it("gives the example of RFC 3394, 4.1, in a slab of its own", () => {
    const key = Buffer.from("000102030405060708090A0B0C0D0E0F", "hex")
    const wrapped = Buffer.from("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5", "hex")
    const unwrapped = unwrap(key, wrapped)
    assert.strictEqual(unwrapped?.bytes.toString("hex"), "00112233445566778899aabbccddeeff")
    assert.isAtLeast(unwrapped?.slab.length ?? 0, 4096)
    if (unwrapped !== undefined) wipe(unwrapped)
    assert.isTrue(unwrapped?.bytes.every((byte) => byte === 0))
  })

  it("gives nothing for another key, another length, or a changed bit", () => {
    const wrapped = Buffer.from(recorded["ed25519"]!)
    assert.isUndefined(unwrap(Buffer.alloc(16), wrapped))
    for (const length of [0, 8, 16, wrapped.length - 8, wrapped.length - 1]) {
      assert.isUndefined(unwrap(wrappingKey, wrapped.subarray(0, length)), `${length} bytes`)
    }
    for (let at = 0; at < wrapped.length; at++) {
      wrapped[at]! ^= 0x10
      assert.isUndefined(unwrap(wrappingKey, wrapped), `byte ${at}`)
      wrapped[at]! ^= 0x10
    }
  })
})

describe("KeptImport", () => {
  const key = Buffer.from("0123456789\r\n%\0\xff.", "latin1")
  const proven = { family: "ecc", parts: new Map([["q", Buffer.from("value")]]) }
  const answer = Buffer.from("D 0123456789%0D%0A%25\0\xff.\n", "latin1")

  it("keeps the key of an answer, unescaped, and the next in its place", () => {
    const kept = new KeptImport()
    kept.keep(answer)
    assert.deepStrictEqual(kept.wrappingKey, key)
    kept.keep(Buffer.from("D 0123456789abcdef\n"))
    assert.deepStrictEqual(kept.wrappingKey, wrappingKey)
  })

  it("keeps nothing of an answer without a key, nor the key before", () => {
    for (
      const other of ["", "D 0123456789abcde\n", "D 0123456789abcdefg\n", "S 0123456789abcdef\n", "D 0123456789abcdef"]
    ) {
      const kept = new KeptImport()
      kept.keep(answer)
      kept.keep(Buffer.from(other))
      assert.isUndefined(kept.wrappingKey, other)
    }
  })

  it("wipes the key when it is forgotten, and what was proven goes with it", () => {
    const kept = new KeptImport()
    kept.keep(answer)
    kept.prove(proven)
    const bytes = kept.wrappingKey
    kept.forget()
    assert.deepStrictEqual(bytes, Buffer.alloc(16))
    assert.isUndefined(kept.wrappingKey)
    assert.isUndefined(kept.takeProven())
  })

  it("hands out what was proven once", () => {
    const kept = new KeptImport()
    kept.prove(proven)
    assert.deepStrictEqual(kept.takeProven(), proven)
    assert.isUndefined(kept.takeProven())
  })
})
