// The head of a ledger on a real disk. The expected bytes were made with Python's struct and hmac modules:
//   slot = struct.pack(">IQ", 1, n) + mac; slot + H(b"gripgate head grants 1" + slot), with the key of bytes 0 to 31
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createSecretKey } from "node:crypto"
import { copyFileSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Head, headPath, makeHead, newest, openHead, readHead } from "../../src/ledger/head.ts"
import { genesis } from "../../src/ledger/record.ts"
import { scratch } from "../support/scratch.ts"

const key = createSecretKey(Uint8Array.from({ length: 32 }, (_, i) => i))
const third = Buffer.from("99485662abf8d1489554712fca74fdc98ae9cf405d76aecd333b9397993fa7fe", "hex")
const at = (n: number) => ({ n, mac: Buffer.alloc(32, n) })

const place = Effect.map(scratch, (folder) => {
  const file = join(folder, "grants")
  return {
    file,
    head: headPath(file),
    make: Effect.promise(() => makeHead(key, "grants", file)),
    /** Does something with the open head. */
    use: <A>(run: (head: Head) => Promise<A>) =>
      Effect.promise(async () => {
        const head = await openHead(key, "grants", file)
        try {
          return await run(head!)
        } finally {
          await head?.close()
        }
      }),
    slots: Effect.promise(() => readHead(key, "grants", file))
  }
})

describe("the head", () => {
  it.live("is two slots, 4 KiB apart, with these very bytes", () =>
    Effect.gen(function*() {
      const { head, make, use } = yield* place
      yield* make
      const zero = "000000010000000000000000f6b9bdce7365bd8cf12e376bcbf0444ea75dede1eaeaa403e0f05392a0983ebf"
        + "b6432be3153d75b6f7ec9c88bc5a52edc75aefa56220b5ce8f2c2982bb7a19f5"
      const hex = () => {
        const bytes = readFileSync(head)
        assert.strictEqual(bytes.length, 8192)
        return [0, 4096].map((at) => bytes.toString("hex", at, at + 76))
      }
      assert.deepStrictEqual(hex(), [zero, zero])
      assert.strictEqual(statSync(head).mode & 0o7777, 0o600)
      yield* use((open) => open.write({ n: 3, mac: third }))
      assert.deepStrictEqual(hex(), [
        zero,
        "00000001000000000000000399485662abf8d1489554712fca74fdc98ae9cf405d76aecd333b9397993fa7fe"
        + "3331bdaad973bd80b190b377cbf1270f57a65e70a7aa4f3f2900fc9adb20b483"
      ])
    }))

  it.live("is there or not", () =>
    Effect.gen(function*() {
      const { file, make, slots } = yield* place
      assert.isUndefined(yield* slots)
      assert.isUndefined(yield* Effect.promise(() => openHead(key, "grants", file)))
      yield* make
      const start = genesis(key, "grants")
      assert.deepStrictEqual(yield* slots, [start, start])
    }))

  it.live("is written in turn, over the older slot, also by the next who opens it", () =>
    Effect.gen(function*() {
      const { make, slots, use } = yield* place
      yield* make
      yield* use(async (head) => {
        await head.write(at(1))
        await head.write(at(2))
        await head.write(at(3))
      })
      assert.deepStrictEqual(yield* slots, [at(2), at(3)])
      yield* use((head) => head.write(at(4)))
      assert.deepStrictEqual(yield* slots, [at(4), at(3)])
      yield* use((head) => head.write(at(5)))
      assert.deepStrictEqual(yield* slots, [at(4), at(5)])
    }))

  it.live("keeps the other slot where one is torn at any byte, and writes the torn one next", () =>
    Effect.gen(function*() {
      const { head, make, slots, use } = yield* place
      yield* make
      yield* use((head) => head.write(at(1)))
      const before = readFileSync(head)
      yield* use((head) => head.write(at(2)))
      const after = readFileSync(head)
      const version = 4
      for (let cut = version; cut < 76; cut++) {
        writeFileSync(head, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]))
        const found = yield* slots
        // up to the first byte that differs it is the old slot
        const isOld = after.subarray(0, cut).equals(before.subarray(0, cut))
        assert.deepStrictEqual(found, [isOld ? genesis(key, "grants") : undefined, at(1)], String(cut))
        assert.deepStrictEqual(newest(found!), at(1))
      }
      yield* use((head) => head.write(at(3)))
      assert.deepStrictEqual(yield* slots, [at(3), at(1)])
    }))

  it.live("says nothing that was not written with this key, for this name, at this version", () =>
    Effect.gen(function*() {
      const { file, head, make, use } = yield* place
      yield* make
      yield* use((head) => head.write(at(1)))
      const other = createSecretKey(Buffer.alloc(32))
      assert.deepStrictEqual(yield* Effect.promise(() => readHead(other, "grants", file)), [undefined, undefined])
      assert.deepStrictEqual(yield* Effect.promise(() => readHead(key, "journal", file)), [undefined, undefined])
      truncateSync(head, 10)
      assert.deepStrictEqual(yield* Effect.promise(() => readHead(key, "grants", file)), [undefined, undefined])
      const bytes = readFileSync(head)
      bytes.writeUInt32BE(2)
      writeFileSync(head, bytes)
      const message = yield* Effect.flip(Effect.tryPromise({
        try: () => readHead(key, "grants", file),
        catch: (error) => (error as Error).message
      }))
      assert.strictEqual(message, `${head}: expected version 1, got 2: a newer gripgate wrote this`)
    }))

  it.live("is not looked for behind a link", () =>
    Effect.gen(function*() {
      const { file, head, make } = yield* place
      yield* make
      copyFileSync(head, `${head}.real`)
      yield* Effect.sync(() => symlinkSync(`${head}.real`, headPath(`${file}2`)))
      const code = yield* Effect.flip(Effect.tryPromise({
        try: () => openHead(key, "grants", `${file}2`),
        catch: (error) => (error as NodeJS.ErrnoException).code
      }))
      assert.strictEqual(code, "ELOOP")
    }))
})
