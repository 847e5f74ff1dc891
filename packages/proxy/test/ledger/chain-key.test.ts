// The key of a state directory on a real disk.
import { assert, describe, it } from "@effect/vitest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { openChainKey, readChainKey } from "../../src/ledger/chain-key.ts"
import { scratch } from "../support/scratch.ts"

/** Random bytes that are not: 7, 8, 9, ... */
const random = SecureRandom.make((size) => Uint8Array.from({ length: size }, (_, i) => i + 7))

const place = Effect.map(scratch, (folder) => ({
  folder,
  path: join(folder, "chain.key"),
  open: Effect.provideService(openChainKey(folder, ["grants", "journal"]), SecureRandom.SecureRandom, random)
}))

describe("openChainKey", () => {
  it.live("makes a key of 32 random bytes for the owner alone, and gives the same one afterwards", () =>
    Effect.gen(function*() {
      const { folder, open, path } = yield* place
      assert.isUndefined(yield* readChainKey(folder))
      const expected = Buffer.from(Array.from({ length: 32 }, (_, i) => i + 7))
      assert.isTrue((yield* open).export().equals(expected))
      assert.isTrue(fs.readFileSync(path).equals(expected))
      assert.strictEqual(fs.statSync(path).mode & 0o7777, 0o600)
      assert.deepStrictEqual(fs.readdirSync(folder), ["chain.key"])
      const other = Buffer.alloc(32, 1)
      fs.writeFileSync(path, other)
      assert.isTrue((yield* open).export().equals(other))
      assert.isTrue((yield* readChainKey(folder))!.export().equals(other))
    }))

  it.live("takes no notice of what an attempt before a crash left", () =>
    Effect.gen(function*() {
      const { folder, open, path } = yield* place
      fs.writeFileSync(`${path}.new`, "half", { mode: 0o644 })
      assert.strictEqual((yield* open).symmetricKeySize, 32)
      assert.deepStrictEqual(fs.readdirSync(folder), ["chain.key"])
      assert.strictEqual(fs.statSync(path).mode & 0o7777, 0o600)
    }))

  it.live("makes no second key for a ledger that is there, or for its head", () =>
    Effect.gen(function*() {
      const { folder, open, path } = yield* place
      for (const name of ["grants", "grants.head", "journal", "journal.head"]) {
        fs.writeFileSync(join(folder, name), "something")
        const { hint, message } = yield* Effect.flip(open)
        const file = join(folder, name.replace(".head", ""))
        assert.strictEqual(message, `${path} is missing, and ${file} was written with it`)
        assert.strictEqual(
          hint,
          `put it back, or move ${file} and ${file}.head aside to begin anew, with nothing in it`
        )
        assert.isFalse(fs.existsSync(path))
        fs.rmSync(join(folder, name))
      }
      fs.writeFileSync(join(folder, "grants"), "")
      fs.writeFileSync(join(folder, "made-keys.jsonl"), "{}\n")
      yield* open
    }))

  it.live("uses no key of another size", () =>
    Effect.gen(function*() {
      const { open, path } = yield* place
      for (const [size, got] of [[0, "0"], [31, "31"], [33, "more"], [5000, "more"]] as const) {
        fs.writeFileSync(path, Buffer.alloc(size), { mode: 0o600 })
        assert.strictEqual((yield* Effect.flip(open)).message, `${path}: expected 32 bytes, got ${got}`)
      }
    }))

  it.live("uses no key that others may read or change, that is not ours, and that is no file", () =>
    Effect.gen(function*() {
      const { open, path } = yield* place
      yield* open
      for (const mode of [0o640, 0o604, 0o660, 0o602, 0o611]) {
        fs.chmodSync(path, mode)
        assert.strictEqual(
          (yield* Effect.flip(open)).message,
          `${path} may be used by others (mode 0${mode.toString(8)})`
        )
      }
      fs.chmodSync(path, 0o600)
      // who we are is easier to change than whose a file is
      const uid = process.getuid!()
      const { getuid } = process
      yield* Effect.acquireUseRelease(
        Effect.sync(() => {
          process.getuid = () => uid + 1
        }),
        () =>
          Effect.map(
            Effect.flip(open),
            ({ message }) => assert.strictEqual(message, `${path} belongs to somebody else (uid ${uid})`)
          ),
        () =>
          Effect.sync(() => {
            process.getuid = getuid!
          })
      )
      yield* open
      fs.renameSync(path, `${path}.real`)
      fs.symlinkSync(`${path}.real`, path)
      assert.strictEqual(
        (yield* Effect.flip(open)).message,
        `${path} cannot be read: too many symbolic links encountered`
      )
      fs.rmSync(path)
      fs.mkdirSync(path)
      assert.strictEqual((yield* Effect.flip(open)).message, `${path} is not a file`)
    }))
})
