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
  /** `rule 8`, or what else it is about. */
  readonly about: string
  readonly text: string
  readonly file: string
  readonly title: string
}

/** The text of a code span, however many backticks it takes. */
const unquoted = (cell: string): string => cell.replace(/^(`+) ?(.*?) ?\1$/, "$2")

const header = ["about", "claim", "test in", "its title"]

/** The rows of the tables that name tests. */
const claims: ReadonlyArray<Claim> = written
  .split(/\n{2,}/)
  .map((block) => block.split("\n").map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())))
  .filter(([first]) => first?.join() === header.join())
  .flatMap(([, , ...rows]) =>
    rows.filter((row) => row.length > 0).map((row) => {
      assert.lengthOf(row, header.length, row.join("|"))
      const [about = "", text = "", file = "", title = ""] = row
      return { about, text, file: unquoted(file), title: unquoted(title) }
    })
  )

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
    const rules = claims.flatMap(({ about }) => about.startsWith("rule ") ? [Number(about.slice("rule ".length))] : [])
    assert.deepStrictEqual([...new Set(rules)], Array.from({ length: RULES }, (_, index) => index + 1))
    assert.deepStrictEqual(rules, rules.toSorted((a, b) => a - b))
  })

  it("has claims about everything else that the gate decides, and about the ways to it", () => {
    const subjects = new Set(claims.map(({ about }) => about).filter((about) => !about.startsWith("rule ")))
    const decided = ["identity", "keys", "verdicts", "prompts", "limits", "reload", "secrets"]
    const asked = ["questions", "answers", "owners", "grants", "tokens", "seals", "journal"]
    const reached = ["standing in", "several agents", "deployment", "homedirs", "sandbox"]
    assert.sameMembers([...subjects], [...decided, ...asked, ...reached])
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
