// docs/journal.md lists what a journal has: each kind of record, each field, each column between colons, and how much is kept.
import { assert, describe, it } from "@effect/vitest"
import { JOURNAL_BYTES, JOURNAL_KEEP } from "@gripgate/proxy/journal/open-journal"
import { recordFields } from "@gripgate/proxy/journal/read-record"
import { journalOps } from "@gripgate/proxy/journal/record"
import { gripgate } from "gripgate/command"
import { colonsFields } from "gripgate/screens/log-colons"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { longLines } from "../support/prose.ts"

const written = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/journal.md"), "utf8")

/** The rows of the table that begins with this header, as their cells. */
const rowsBelow = (header: string): ReadonlyArray<ReadonlyArray<string>> => {
  const at = written.indexOf(`\n| ${header} |`)
  assert.isAbove(at, 0, `there is no table | ${header} |`)
  const [table = ""] = written.slice(at + 1).split("\n\n")
  return table.trimEnd().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
}

const namesBelow = (header: string): ReadonlyArray<string> =>
  rowsBelow(header).flatMap(([names = ""]) => names.split(", ").map((name) => name.replaceAll("`", "")))

describe("docs/journal.md", () => {
  it("has every kind of record, and every field", () => {
    assert.sameMembers([...namesBelow("`op`")], [...journalOps])
    assert.sameMembers([...namesBelow("field")], [...recordFields])
  })

  it("has the fields between colons in their order", () => {
    assert.deepStrictEqual(
      rowsBelow("number").map(([number, name]) => [number, name]),
      colonsFields.map(([name], i) => [String(i + 1), `\`${name}\``])
    )
  })

  it("has every flag of gripgate log", () => {
    const log = gripgate.subcommands.flatMap(({ commands }) => commands).find(({ name }) => name === "log")!
    assert.isDefined(log)
    const flags = namesBelow("flag").map((flag) => flag.split(" ")[0])
    assert.sameMembers(flags, [
      "--app",
      "--key",
      "--operation",
      "--verdict",
      "--since",
      "--until",
      "-n",
      "--lines",
      "--follow",
      "--json",
      "--with-colons",
      "--verify",
      "--state",
      "--homedir"
    ])
  })

  it("says how much is kept", () => {
    assert.include(written, `A file of more than ${JOURNAL_BYTES / 1024 / 1024} MiB is put aside`)
    assert.include(written, `${JOURNAL_KEEP} older files are kept`)
    assert.include(written, `about ${(JOURNAL_KEEP + 1) * JOURNAL_BYTES / 1024 / 1024} MiB`)
  })

  it("has no line that is too long to read", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})
