// docs/commands.md is what the table says, and says all of it.
import { assert, describe, it } from "@effect/vitest"
import { scdCommands } from "@gripgate/protocol/table/card"
import { getinfoWords } from "@gripgate/protocol/table/getinfo"
import { commands } from "@gripgate/protocol/table/index"
import { optionNames } from "@gripgate/protocol/table/option"
import { gripgateCommands } from "@gripgate/protocol/table/own"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { commandsDocument } from "../../scripts/commands-doc.ts"

const written = readFileSync(join(import.meta.dirname, "../../docs/commands.md"), "utf8")

/** The cells of a section's rows, by the word in the first. */
const rows = (from: string, to?: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const begin = written.indexOf(`\n## ${from}\n`)
  const section = written.slice(begin, to === undefined ? undefined : written.indexOf(`\n## ${to}\n`))
  return new Map(
    [...section.matchAll(/^\| \*\*(\S+)\*\* \| (.*) \|$/gm)].map(([, word, rest]) => [word!, rest!.split(/(?<!\\)\|/)])
  )
}

describe("docs/commands.md", () => {
  it("is what `node scripts/commands-doc.ts` writes", () => {
    assert.strictEqual(written, commandsDocument())
  })

  it("has a row for every command, option name, GETINFO word and SCD word", () => {
    const names = (specs: ReadonlyArray<{ readonly name: string }>) => specs.map(({ name }) => name).toSorted()
    const found = (table: ReadonlyMap<string, unknown>) => [...table.keys()].toSorted()
    assert.deepStrictEqual(found(rows("Sessions", "Names of OPTION")), names(commands))
    assert.deepStrictEqual(found(rows("Names of OPTION", "Words of GETINFO")), names(optionNames))
    assert.deepStrictEqual(
      found(rows("Words of GETINFO", "Words of SCD")),
      getinfoWords.map(({ word }) => word).toSorted()
    )
    assert.deepStrictEqual(found(rows("Words of SCD", "Words of GRIPGATE")), names(scdCommands))
    assert.deepStrictEqual(found(rows("Words of GRIPGATE")), names(gripgateCommands))
  })

  it("names in each row every option, operation and inquiry of the command", () => {
    const unlock = new Set(["PINENTRY_LAUNCHED", "PASSPHRASE", "CONFIRM"])
    for (
      const [table, specs] of [
        [rows("Sessions", "Names of OPTION"), commands],
        [rows("Words of SCD", "Words of GRIPGATE"), scdCommands],
        [rows("Words of GRIPGATE"), gripgateCommands]
      ] as const
    ) {
      for (const { inquiries, mayBe, name, options } of specs) {
        const cells = table.get(name)!
        assert.lengthOf(cells, 7, name)
        for (const option of options) assert.match(cells[0]!, new RegExp(`\`${option.name}[\`=[]`), name)
        assert.strictEqual(cells[2]!.trim(), mayBe.join(", "))
        const unlocks = cells[3]!.includes("*unlock*")
        for (const { keyword, limit, secret } of inquiries) {
          if (unlocks && unlock.has(keyword)) continue
          const facts = `${secret === true ? "secret, " : ""}[^)]*${limit === 0 ? "no data" : limit}`
          assert.match(cells[3]!, new RegExp(`\\b${keyword} \\(${facts}`), name)
        }
      }
    }
  })

  it("says of INPUT and OUTPUT that they are never sent", () => {
    for (const name of ["INPUT", "OUTPUT"]) {
      assert.strictEqual(rows("Sessions", "Names of OPTION").get(name)?.[4]?.trim(), "**never sent**")
    }
  })

  it("is wrapped for reading outside its tables", () => {
    const long = written.split("\n").filter((line) => !line.startsWith("|") && line.length > 120)
    assert.deepStrictEqual(long, [])
  })
})
