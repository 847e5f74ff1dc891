// docs/threat-model.md claims nothing that no test shows: each claim names a file and a title in it, and both are there.
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { longLines } from "../support/prose.ts"
import { titlesIn } from "../support/titles.ts"

const root = resolve(import.meta.dirname, "../..")
const written = readFileSync(join(root, "docs/threat-model.md"), "utf8")

/** The rules of the wire, which hold whatever the policy says. */
const RULES = 13

interface Claim {
  readonly section: string
  /** Of a rule of the wire: its number. */
  readonly rule: string
  readonly text: string
  readonly file: string
  readonly title: string
}

/** The text of a code span, however many backticks it takes. */
const unquoted = (cell: string): string => cell.replace(/^(`+) ?(.*?) ?\1$/, "$2")

/** The rows of the tables that have a column for tests. */
const claims: ReadonlyArray<Claim> = written.split(/^### /m).slice(1).flatMap((part) => {
  const [section = "", ...lines] = part.split("\n")
  const cells = lines.filter((line) => line.startsWith("| ")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  )
  const [header = [], ...rows] = cells
  const at = (row: ReadonlyArray<string>, name: string): string => row[header.indexOf(name)] ?? ""
  return rows.map((row) => {
    assert.lengthOf(row, header.length, row.join("|"))
    const [file, title] = [unquoted(at(row, "test in")), unquoted(at(row, "its title"))]
    return { section, rule: at(row, "rule"), text: at(row, "claim"), file, title }
  })
})

const titles = new Map<string, ReadonlySet<string>>()
const titlesOf = (file: string): ReadonlySet<string> => {
  const known = titles.get(file)
  if (known !== undefined) return known
  const read = titlesIn(file, readFileSync(join(root, file), "utf8"))
  titles.set(file, read)
  return read
}

describe("docs/threat-model.md", () => {
  it("has claims, each a whole sentence with a test", () => {
    assert.isAbove(claims.length, 2 * RULES)
    for (const { file, text, title } of claims) {
      assert.match(text, /^[A-Z`].*\.$/)
      assert.match(file, /^(?:packages\/[a-z]+\/)?test\/.+\.test\.ts$/, text)
      assert.isAbove(title.length, 0, text)
    }
  })

  it("names files that are there, and titles of tests in them", () => {
    const missing = claims.filter(({ file, title }) => !existsSync(join(root, file)) || !titlesOf(file).has(title))
    assert.deepStrictEqual(missing.map(({ file, title }) => `${file}: ${title}`), [])
  })

  it("has a row for everything that looks like a test", () => {
    const named = written.match(/[\w/.-]+\.test\.ts/g) ?? []
    assert.sameMembers([...new Set(named)], [...new Set(claims.map(({ file }) => file))])
    assert.lengthOf(named, claims.length)
  })

  it("has a claim for every rule of the wire, in their order", () => {
    const rules = claims.filter(({ rule }) => rule !== "").map(({ rule }) => Number(rule))
    assert.deepStrictEqual([...new Set(rules)], Array.from({ length: RULES }, (_, index) => index + 1))
    assert.deepStrictEqual(rules, rules.toSorted((a, b) => a - b))
  })

  it("has claims about everything else that the gate decides", () => {
    const sections = [...new Set(claims.map(({ section }) => section))]
    assert.includeMembers(sections, ["Identity", "Keys", "Verdicts", "Prompts", "Limits", "Reload", "Secrets"])
  })

  it("is wrapped for reading, all but its tables", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})

describe("titlesIn", () => {
  it("finds titles in calls and tables, and takes no other text for one", () => {
    const text = [
      "describe(\"a\", () => {",
      "  it.live(`b ${c} d ${e}`, () => f(\"no title\"))",
      "  it.each([\"g\"])('h $text', () => \"no title either\")",
      "})",
      "const attacks = [{ item: \"i\", policy: \"j\" }] // it(\"k\", ...)"
    ].join("\n")
    assert.sameMembers([...titlesIn("x.test.ts", text)], ["a", "b ... d ...", "h $text", "i"])
  })
})
