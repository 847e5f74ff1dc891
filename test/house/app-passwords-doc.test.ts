// docs/app-passwords.md is true where it can be held to the code: the words of GRIPGATE, its options and its replies, the numbers of
// errors, the verbs and flags, and the form of a token. Its five commands are typed in test/programs/app-passwords.test.ts.
import { assert, describe, it } from "@effect/vitest"
import { gpgError } from "@gripgate/protocol/gpg-error"
import { operations } from "@gripgate/protocol/operation"
import { gripgateCommands } from "@gripgate/protocol/table/own"
import { GRANTS } from "@gripgate/proxy/grant/grant-store"
import { TOKEN_LENGTH } from "@gripgate/proxy/grant/token"
import { JOURNAL } from "@gripgate/proxy/journal/open-journal"
import { headPath } from "@gripgate/proxy/ledger/head"
import { gripgate } from "gripgate/command"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { longLines } from "../support/prose.ts"

const written = readFileSync(join(resolve(import.meta.dirname, "../.."), "docs/app-passwords.md"), "utf8")

const quoted = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]*)`/g)].map(([, word = ""]) => word)

/** The rows of each table that begins with this header, as their cells. */
const rowsBelow = (header: string): ReadonlyArray<ReadonlyArray<string>> =>
  written.split("\n\n").filter((block) => block.startsWith(`| ${header} |`)).flatMap((table) =>
    table.trimEnd().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
  )

const firstWords = (header: string): ReadonlyArray<string> => rowsBelow(header).map(([cell = ""]) => quoted(cell)[0]!)

describe("docs/app-passwords.md", () => {
  it("names every word of GRIPGATE, and no other", () => {
    const words = firstWords("command").filter((text) => text.startsWith("GRIPGATE ")).map((text) => text.split(" ")[1])
    assert.sameMembers(words, gripgateCommands.map(({ name }) => name))
  })

  it("names every option of REQUEST, and no other", () => {
    const [, paragraph = ""] = /The options are\n([^]*?)\n\n/.exec(written)!
    const named = quoted(paragraph).filter((text) => text.startsWith("--")).map((text) => text.split("=")[0])
    const { options } = gripgateCommands.find(({ name }) => name === "REQUEST")!
    assert.sameMembers(named, options.map(({ name }) => name))
  })

  it("names every reply, and no other", () => {
    const replies = firstWords("reply").filter((text) => text.startsWith("S ")).map((text) => text.split(" ")[1])
    assert.sameMembers(replies, [...new Set(gripgateCommands.flatMap(({ status }) => [...status]))])
  })

  it("shows a verdict for each operation", () => {
    const [, may = ""] = /^S MAY (.*)$/m.exec(written)!
    assert.deepStrictEqual(may.split(" ").map((word) => word.split("=")[0]), [...operations])
  })

  it("has numbers that a gate answers with, and gpg's words for them", () => {
    const known = new Map<number, string>(Object.values(gpgError).map(({ text, value }) => [value, text]))
    const rows = [...rowsBelow("error"), ...rowsBelow("number")]
    assert.isAbove(rows.length, 10)
    for (const [number, text] of rows) assert.strictEqual(known.get(Number(number)), text, number)
  })

  it("names verbs that there are", () => {
    const verbs = gripgate.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
    const named = [...written.matchAll(/`gripgate ([a-z]+)/g)].map(([, verb]) => verb!)
    assert.includeMembers(named, ["grant", "grants", "renew", "rotate", "revoke", "log"])
    for (const verb of named) assert.include(verbs, verb)
  })

  it("says how long a token is, and in which files a grant is", () => {
    assert.include(written, `\`gg1-ID-SECRET-CHECK\`, ${TOKEN_LENGTH} characters`)
    assert.sameMembers([...firstWords("file")], [GRANTS, headPath(GRANTS), JOURNAL, "chain.key"])
  })

  it("is wrapped for reading, all but its tables and what a program prints", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})
