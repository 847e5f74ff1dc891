// docs/operating.md is true where it can be held to the code: it names every verb, and numbers that a gate answers with.
import { assert, describe, it } from "@effect/vitest"
import { standardApprove } from "@gripgate/policy/policy"
import { gpgError } from "@gripgate/protocol/gpg-error"
import { MAX_OPEN } from "@gripgate/proxy/approve/turns"
import { gripgate } from "gripgate/command"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"

const written = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/operating.md"), "utf8")

/** The rows of the table that begins with this header, as their cells. */
const rowsBelow = (header: string): ReadonlyArray<ReadonlyArray<string>> => {
  const at = written.indexOf(`\n| ${header} |`)
  assert.isAbove(at, 0, `there is no table | ${header} |`)
  const [table = ""] = written.slice(at + 1).split("\n\n")
  return table.trimEnd().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
}

describe("docs/operating.md", () => {
  it("names every verb", () => {
    const verbs = gripgate.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
    assert.isAbove(verbs.length, 10)
    for (const verb of verbs) assert.match(written, new RegExp(`\`gripgate ${verb}[ \`]`))
  })

  it("names numbers that a gate answers with, and gpg's words for them", () => {
    const known = new Map<number, string>(Object.values(gpgError).map(({ text, value }) => [value, text]))
    for (const [numbers = "", text] of rowsBelow("number")) {
      const all = numbers.split(", ").map(Number)
      for (const number of all) assert.isTrue(known.has(number), numbers)
      if (all.length === 1) assert.strictEqual(known.get(all[0]!), text)
    }
  })

  it("says how many questions an app has, and how long they wait", () => {
    const limits = new Map(rowsBelow("what").map(([what = "", limit]) => [what.replace(/[;(].*$/, "").trim(), limit]))
    assert.strictEqual(limits.get("open questions of one app"), String(MAX_OPEN))
    assert.strictEqual(limits.get("time for the owner's answer"), `${standardApprove.timeout / 60_000} min`)
    assert.strictEqual(limits.get("the pause"), `${standardApprove.pause / 60_000} min`)
  })
})
