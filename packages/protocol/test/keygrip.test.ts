// Keygrips as gpg-agent reads and writes them (GnuPG agent/command.c parse_keygrip).
import { assert, describe, it } from "@effect/vitest"
import { keygripBytes, keygripOf, parseKeygrip } from "../src/keygrip.ts"

const upper = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"

describe("parseKeygrip", () => {
  it("takes forty hexadecimal digits of either case, and has one spelling for them", () => {
    assert.strictEqual(parseKeygrip(upper), upper)
    assert.strictEqual(parseKeygrip(upper.toLowerCase()), upper)
    assert.strictEqual(parseKeygrip("23bb44EF6501E53F77501FF1D7DD8525DDABcf35"), upper)
  })

  it("takes nothing behind or before them, as the agent does", () => {
    const others = [
      "",
      upper.slice(1),
      `${upper}0`,
      `${upper} `,
      ` ${upper}`,
      `${upper}\n`,
      `${upper} garbage`,
      `&${upper}`
    ]
    for (const text of [...others, upper.replace("2", "G"), `0x${upper.slice(2)}`, "٣".repeat(40)]) {
      assert.isUndefined(parseKeygrip(text), text)
    }
  })
})

describe("the bytes of a keygrip", () => {
  it("are those of `HAVEKEY --list`, both ways", () => {
    const grip = parseKeygrip(upper)!
    const bytes = keygripBytes(grip)
    assert.strictEqual(bytes.length, 20)
    assert.deepStrictEqual([bytes[0], bytes[19]], [0x23, 0x35])
    assert.strictEqual(keygripOf(bytes), upper)
    // a view into something larger
    assert.strictEqual(keygripOf(Buffer.concat([Buffer.from("D "), bytes, bytes]).subarray(22, 42)), upper)
  })

  it("are twenty", () => {
    for (const length of [0, 19, 21, 40]) assert.isUndefined(keygripOf(new Uint8Array(length)))
  })
})
