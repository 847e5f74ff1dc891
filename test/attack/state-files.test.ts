// Files of the state directory that are not the gate's own alone, that lead elsewhere, or that belong to another directory: whoever
// could write to one would be believed, so the gate does not start.
import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import process from "node:process"
import { giveToOther, OTHER } from "../support/as-user.ts"
import { granted } from "../support/refused-tokens.ts"
import { GRANTS, JOURNAL, newWorld, use, type World } from "../support/state.ts"

const FILES = ["chain.key", ...GRANTS, ...JOURNAL]

/** A state directory in which something was granted. */
const withGrant = async (): Promise<{ readonly world: World; readonly token: Buffer }> => {
  const world = await newWorld()
  const { token } = await world.run((gate) => granted(gate))
  return { world, token }
}

/** A gate does not start for this, and when it is put right it does, with everything that was granted. */
const assertRefused = async (
  { token, world }: Awaited<ReturnType<typeof withGrant>>,
  spoil: () => unknown,
  expected: RegExp,
  mend: () => unknown
): Promise<void> => {
  await spoil()
  const { hint, message } = await world.refusal()
  assert.match(message, expected)
  assert.isDefined(hint)
  await mend()
  await world.run(async (gate) => assert.strictEqual(await use(gate, token), "OK"))
}

describe("a file of the state directory", () => {
  it("that others may read or write is refused", async () => {
    const place = await withGrant()
    await using world = place.world
    for (const name of FILES) {
      for (const mode of [0o644, 0o640, 0o620, 0o602, 0o666]) {
        await assertRefused(
          place,
          () => fs.chmodSync(world.at(name), mode),
          new RegExp(`${name.replaceAll(".", "\\.")} may be used by others \\(mode 0${mode.toString(8)}\\)`),
          () => fs.chmodSync(world.at(name), 0o600)
        )
      }
    }
  })

  it("that belongs to somebody else is refused", async () => {
    const place = await withGrant()
    await using world = place.world
    for (const name of FILES) {
      let given: AsyncDisposable | undefined
      await assertRefused(
        place,
        async () => {
          given = await giveToOther(world.at(name))
        },
        new RegExp(`belongs to somebody else \\(uid ${OTHER.uid}\\)|permission denied`, "i"),
        () => given?.[Symbol.asyncDispose]()
      )
    }
  })

  it("that is a symbolic link or a folder is refused", async () => {
    const place = await withGrant()
    await using world = place.world
    for (const name of FILES) {
      const path = world.at(name)
      const aside = `${path}.aside`
      const mend = () => {
        fs.rmSync(path, { recursive: true })
        fs.renameSync(aside, path)
      }
      const instead = (make: () => void) => () => {
        fs.renameSync(path, aside)
        make()
      }
      await assertRefused(place, instead(() => fs.symlinkSync(aside, path)), /cannot be (?:read|opened)/, mend)
      await assertRefused(
        place,
        instead(() => fs.mkdirSync(path, { mode: 0o700 })),
        /is not a file|cannot be (?:read|opened)/,
        mend
      )
    }
  })
})

describe("the key of the chain", () => {
  it("that is missing is not made anew beside what was written with it", async () => {
    const place = await withGrant()
    await using world = place.world
    const key = world.copy(["chain.key"])
    await assertRefused(
      place,
      () => fs.rmSync(world.at("chain.key")),
      /chain\.key is missing, and .*grants\.jsonl was written with it/,
      () => {
        assert.isFalse(fs.existsSync(world.at("chain.key")))
        fs.writeFileSync(world.at("chain.key"), key.get("chain.key")!, { mode: 0o600 })
      }
    )
  })

  it("that is another one, or is cut, is said to be", async () => {
    const place = await withGrant()
    await using world = place.world
    const key = world.copy(["chain.key"])
    const mend = () => world.putBack(key)
    const put = (bytes: Buffer) => () => fs.writeFileSync(world.at("chain.key"), bytes)
    await assertRefused(place, put(randomBytes(32)), /or chain\.key is not the key that it was written with/, mend)
    const right = key.get("chain.key")!
    await assertRefused(place, put(right.subarray(1)), /expected 32 bytes, got 31/, mend)
    await assertRefused(place, put(Buffer.concat([right, right])), /expected 32 bytes, got more/, mend)
    await assertRefused(place, put(Buffer.alloc(0)), /expected 32 bytes, got 0/, mend)
  })

  it("with ledgers of another directory is none of theirs, and neither are those ledgers", async () => {
    const place = await withGrant()
    await using world = place.world
    await using other = (await withGrant()).world
    const own = world.copy()
    for (const names of [["chain.key"], GRANTS, JOURNAL]) {
      await assertRefused(
        place,
        () => world.putBack(other.copy(names)),
        /chain\.key is not the key (?:that )?it was written with/,
        () => world.putBack(own)
      )
    }
  })
})

describe("a second gate", () => {
  it("on the same state directory does not start, and the first goes on", async () => {
    const { token, world } = await withGrant()
    await using _ = world
    await world.run(async (gate) => {
      const { hint, message } = await world.refusal()
      assert.include(message, `another gate (pid ${process.pid}) uses the state directory ${world.state}`)
      assert.match(hint!, /stop that one/)
      assert.strictEqual(await use(gate, token), "OK")
    })
  })
})
