// Old, damaged and foreign files in the state directory: what a store that is put back may do, and may not. What nobody can find is
// here too, as it is documented: the whole directory as it was then.
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { journalIn } from "../support/journal.ts"
import { granted } from "../support/refused-tokens.ts"
import { GRANTS, JOURNAL, newWorld, revoke, use, type World } from "../support/state.ts"
import { ERR } from "../support/wire.ts"

describe("an old copy of the grants", () => {
  /** A grant that was revoked, and copies from before. */
  const revoked = async (world: World) => {
    const { grant, token } = await world.run((gate) => granted(gate))
    const before = world.copy()
    await world.run((gate) => revoke(gate, grant.id))
    return { before, token }
  }

  it("alone stops the start, which says what to do", async () => {
    await using world = await newWorld()
    const { before } = await revoked(world)
    world.putBack(before, ["grants.jsonl"])
    const { hint, message } = await world.refusal()
    assert.include(
      message,
      `${world.at("grants.jsonl")}:2: records are missing at the end (there are 1, and there were 2)`
    )
    assert.include(hint, `move ${world.at("grants.jsonl")} and ${world.at("grants.jsonl.head")} aside`)
  })

  it("with its head stops it too: the journal knows of more", async () => {
    await using world = await newWorld()
    const { before } = await revoked(world)
    world.putBack(before, GRANTS)
    const { hint, message } = await world.refusal()
    assert.include(
      message,
      `${world.at("grants.jsonl")} has 1 records, and the journal knows of 2: an old copy was put back`
    )
    assert.match(hint!, /put back the newest copy .* or move both aside, and grant anew/)
  })

  it("gives back no use that was counted since", async () => {
    await using world = await newWorld()
    const { token } = await world.run((gate) => granted(gate, {}, { maxUses: 1 }))
    const before = world.copy()
    await world.run(async (gate) => assert.strictEqual(await use(gate, token), "OK"))
    world.putBack(before, ["grants.jsonl"])
    assert.include((await world.refusal()).message, "records are missing at the end")
    world.putBack(before, GRANTS)
    assert.include((await world.refusal()).message, "an old copy was put back")
  })

  it("put back in place of what began anew is none of it", async () => {
    await using world = await newWorld()
    const { before, token } = await revoked(world)
    for (const name of GRANTS) fs.rmSync(world.at(name))
    await world.run(async () => {})
    world.putBack(before, GRANTS)
    assert.include((await world.refusal()).message, world.at("grants.jsonl"))
    for (const name of GRANTS) fs.rmSync(world.at(name))
    await world.run(async (gate) => assert.strictEqual(await use(gate, token), ERR.BAD_PASSPHRASE))
  })

  it("with a journal of then is the state of then: that nobody finds", async () => {
    await using world = await newWorld()
    const { before, token } = await revoked(world)
    await world.run(async (gate) => assert.strictEqual(await use(gate, token), ERR.BAD_PASSPHRASE))
    world.putBack(before)
    await world.run(async (gate) => assert.strictEqual(await use(gate, token), "OK"))
  })
})

describe("an old copy of the journal", () => {
  it("alone stops the start, and with its head opens nothing", async () => {
    await using world = await newWorld()
    const [first, second] = await world.run(async (
      gate
    ) => [await granted(gate), await granted(gate, {}, { maxUses: 1 })])
    const before = world.copy()
    await world.run(async (gate) => {
      await revoke(gate, first!.grant.id)
      assert.strictEqual(await use(gate, second!.token), "OK")
    })
    world.putBack(before, ["journal.jsonl"])
    assert.include((await world.refusal()).message, `${world.at("journal.jsonl")}:`)
    world.putBack(before, JOURNAL)
    await world.run(async (gate) => {
      assert.strictEqual(await use(gate, first!.token), ERR.BAD_PASSPHRASE)
      assert.strictEqual(await use(gate, second!.token), ERR.BAD_PASSPHRASE)
    })
    // and the journal knows again how many records of grants there are
    world.putBack(before, GRANTS)
    assert.include((await world.refusal()).message, "an old copy was put back")
  })
})

describe("grants that were moved aside", () => {
  it("begin anew: the log and the journal say so, and nothing that was granted before works", async () => {
    await using world = await newWorld()
    const { grant, token } = await world.run((gate) => granted(gate))
    for (const name of GRANTS) fs.renameSync(world.at(name), world.at(`${name}.aside`))
    const another = await world.run(async (gate) => {
      const warning = gate.log().find((line) => line.includes("there are no grants any more"))
      assert.include(warning, world.at("grants.jsonl"))
      assert.strictEqual(await use(gate, token), ERR.BAD_PASSPHRASE)
      assert.deepStrictEqual(gate.inside.grants.tokens.all(), [])
      return granted(gate)
    })
    assert.strictEqual(journalIn(world.state).filter(({ op }) => op === "grantsAnew").length, 1)
    // told once
    await world.run(async (gate) => {
      assert.notInclude(gate.log().join("\n"), "there are no grants any more")
      assert.strictEqual(await use(gate, another.token), "OK")
      assert.strictEqual(await use(gate, token), ERR.BAD_PASSPHRASE)
    })
    assert.notStrictEqual(grant, another.grant)
  })

  it("and again: each time is another", async () => {
    await using world = await newWorld()
    const { token } = await world.run((gate) => granted(gate))
    const copies = [world.copy()]
    for (let times = 0; times < 2; times++) {
      for (const name of GRANTS) fs.rmSync(world.at(name))
      const another = await world.run((gate) => granted(gate))
      await world.run(async (gate) => {
        assert.strictEqual(await use(gate, token), ERR.BAD_PASSPHRASE)
        assert.strictEqual(await use(gate, another.token), "OK")
      })
      const now = world.copy()
      for (const copy of copies) {
        world.putBack(copy, GRANTS)
        assert.include((await world.refusal()).message, "began at another time than the journal knows of")
      }
      world.putBack(now)
      copies.push(now)
    }
  })

  it("and one that has only one of its two files does not start", async () => {
    for (const name of GRANTS) {
      await using world = await newWorld()
      await world.run((gate) => granted(gate))
      fs.rmSync(world.at(name))
      assert.include((await world.refusal()).message, `${world.at(name)} is missing`)
    }
  })
})

describe("grants that were edited without the key", () => {
  const changes: Readonly<Record<string, (lines: ReadonlyArray<string>) => ReadonlyArray<string>>> = {
    "cut in the middle of a line": (lines) => [...lines.slice(0, 2), lines[2]!.slice(0, 100)],
    "cut behind a line": (lines) => lines.slice(0, 2),
    "with a record taken out": (lines) => [lines[0]!, lines[2]!],
    "with a record moved": (lines) => [lines[1]!, lines[0]!, lines[2]!],
    "with a record twice": (lines) => [...lines, lines[0]!],
    "with another operation": (lines) =>
      lines.map((line) => line.replace("\"sign\",\"decrypt\"", "\"sign\",\"export\"")),
    "with more uses": (lines) => lines.map((line) => line.replace("\"maxUses\":3", "\"maxUses\":9")),
    "emptied": () => []
  }
  for (const [what, change] of Object.entries(changes)) {
    it(`${what}: the gate does not start`, async () => {
      await using world = await newWorld()
      await world.run(async (gate) => {
        const { grant } = await granted(gate, {}, { maxUses: 3 })
        await granted(gate)
        await revoke(gate, grant.id)
      })
      const file = world.at("grants.jsonl")
      const lines = fs.readFileSync(file, "utf8").trimEnd().split("\n")
      const changed = change(lines)
      assert.notDeepEqual(changed, lines)
      fs.writeFileSync(file, changed.map((line) => line.endsWith("}") ? `${line}\n` : line).join(""))
      assert.include((await world.refusal()).message, file)
    })
  }
})
