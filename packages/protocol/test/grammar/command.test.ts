// What a parsed command tells about itself.
import { assert, describe, it } from "@effect/vitest"
import { carriesSecret, has } from "../../src/grammar/command.ts"
import { writeRequest } from "../../src/request.ts"
import { commands } from "../../src/table/index.ts"
import { command } from "../plain.ts"

const grip = "23BB44EF6501E53F77501FF1D7DD8525DDABCF35"

describe("a command", () => {
  it("has the options that it was given", () => {
    const parsed = command(`DELETE_KEY --force ${grip}`)
    assert.deepStrictEqual([has(parsed, "--force"), has(parsed, "--stub-only"), has(parsed, "force")], [
      true,
      false,
      false
    ])
  })

  it("carries a secret where a passphrase or a secret to store may be among its words", () => {
    const carrying = commands.filter((spec) => carriesSecret({ spec, options: new Map(), args: [] })).map(({ name }) =>
      name
    )
    assert.deepStrictEqual(carrying.toSorted(), ["PRESET_PASSPHRASE", "PUT_SECRET"])
  })

  it("that carries a secret is written to memory of its own, that no other buffer shares", () => {
    for (const line of [`PRESET_PASSPHRASE ${grip} -1 616263`, "PUT_SECRET name 60 hidden"]) {
      const written = writeRequest(command(line))!
      assert.strictEqual(written.toString(), `${line}\n`)
      // small ones would lie where V8 moves them about, and leaves copies
      assert.isAtLeast(written.buffer.byteLength, 4096)
      assert.notStrictEqual(written.buffer, Buffer.from("x").buffer)
    }
  })
})
