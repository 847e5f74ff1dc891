// docs/policy.md is true: its examples are accepted or refused as it says, its tables name the words that the code knows and
// no others, and what it shows of `lint` and `check` is what they print.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { builtin } from "@gripgate/policy/builtin"
import { factNames } from "@gripgate/policy/client/match"
import { anyoneWords, appWords } from "@gripgate/policy/file/app"
import { approveOrders, approveWords } from "@gripgate/policy/file/approve"
import { entryWords } from "@gripgate/policy/file/entry"
import { gateWords } from "@gripgate/policy/file/gate"
import { limitWords } from "@gripgate/policy/file/limits"
import { defaults, parsePolicy, topWords } from "@gripgate/policy/file/parse"
import { upstreamWords } from "@gripgate/policy/file/upstreams"
import { approverNames, standardApprove } from "@gripgate/policy/policy"
import { verdicts } from "@gripgate/policy/verdict"
import { operations } from "@gripgate/protocol/operation"
import { limitsOf } from "@gripgate/proxy/limits"
import { type Homedir, makeHomedir } from "@gripgate/testkit/homedir"
import { importKey } from "@gripgate/testkit/keys"
import * as Result from "effect/Result"
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import process from "node:process"
import { longLines } from "../support/prose.ts"

const root = resolve(import.meta.dirname, "../..")
const written = readFileSync(join(root, "docs/policy.md"), "utf8")

interface Block {
  readonly language: string
  /** Without the LF of its last line. */
  readonly text: string
  /** The line above it; empty where that is blank. */
  readonly above: string
}

const blocks: ReadonlyArray<Block> = [...written.matchAll(/^(.*)\n```([a-z]+)\n([^]*?)\n```$/gm)].map(
  ([, above = "", language = "", text = ""]) => ({ language, text, above })
)
const blocksOf = (language: string) => blocks.filter((block) => block.language === language)

/** Words between backticks; a word itself has none. */
const quoted = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]*)`/g)].map(([, word = ""]) => word)

/** The rows of the table that begins with this header, as their cells. */
const rowsBelow = (header: string): ReadonlyArray<ReadonlyArray<string>> => {
  const at = written.indexOf(`\n| ${header} |`)
  assert.isAbove(at, 0, `there is no table | ${header} |`)
  const [table = ""] = written.slice(at + 1).split("\n\n")
  return table.trimEnd().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
}

/** The words that the first column of a table names. */
const firstColumn = (header: string): ReadonlyArray<string> => rowsBelow(header).flatMap(([cell = ""]) => quoted(cell))

/** `[apps.NAME]` is `apps`. */
const plain = (word: string): string => /^\[([a-z]+)/.exec(word)?.[1] ?? word

describe("docs/policy.md", () => {
  const examples = blocksOf("toml")

  it.each(examples)("has an example that is what it says: $text", ({ above, text }) => {
    const read = parsePolicy(text, "policy.toml")
    const messages = Result.isSuccess(read) ? [] : read.failure.map(({ message }) => message)
    assert.deepStrictEqual(messages, above.startsWith("refused: ") ? quoted(above) : [])
    if (above.startsWith("refused: ")) assert.isAbove(messages.length, 0)
  })

  it("has examples of what is accepted and of what is refused", () => {
    const refused = examples.filter(({ above }) => above.startsWith("refused: "))
    assert.isAtLeast(refused.length, 2)
    assert.isAtLeast(examples.length - refused.length, 4)
  })

  it.each([
    ["at the top", topWords],
    ["in an entry", entryWords],
    ["in `[apps.NAME]`", appWords],
    ["in `[anyone]`", anyoneWords],
    ["in `[gate]`", gateWords],
    ["in `[approve]`", approveWords],
    ["in `[upstreams.NAME]`", upstreamWords],
    ["limit", limitWords],
    ["verdict", verdicts],
    ["operation", operations],
    ["fact", factNames]
  ])("has a table with every word and no other: %s", (header, words) => {
    assert.sameMembers(firstColumn(header).map(plain), [...words])
  })

  it("has no block that nobody looks at", () => {
    assert.sameMembers([...new Set(blocks.map(({ language }) => language))], ["toml", "console"])
    assert.lengthOf(written.match(/^```/gm) ?? [], 2 * blocks.length)
  })

  it("names what a default can be", () => {
    const [row] = rowsBelow("at the top")
    assert.includeMembers([...quoted(row?.[1] ?? "")], defaults.map((word) => `"${word}"`))
    for (const word of defaults) assert.include(written, `\n- \`default = "${word}"\`: `)
  })

  it("says what holds where the file gives no limit", () => {
    const lines = rowsBelow("limit").map(([name = "", value = ""]) => {
      const setting = quoted(name)[0] ?? ""
      return `${setting} = ${/^\d+$/.test(value) ? value : JSON.stringify(value)}`
    })
    const read = parsePolicy(["[limits]", ...lines].join("\n"), "policy.toml")
    assert.deepStrictEqual(limitsOf(Result.getOrThrow(read)), limitsOf(builtin("allow")))
  })

  it("says how the owner is asked where the file does not say, and names what can be said instead", () => {
    const rows = rowsBelow("in `[approve]`")
    const lines = rows.flatMap(([name = "", value = ""]) => {
      const [setting, said] = [quoted(name)[0], quoted(value)[0]]
      return said === undefined ? [] : [`${setting} = ${said}`]
    })
    const read = parsePolicy(["[approve]", ...lines].join("\n"), "policy.toml")
    assert.deepStrictEqual(Result.getOrThrow(read).approve, standardApprove)
    assert.lengthOf(lines, Object.keys(standardApprove).length)
    const wordsOf = (word: string) => rows.find(([name = ""]) => quoted(name)[0] === word)!.join()
    for (const name of approverNames) assert.include(wordsOf("approvers"), `"${name}"`)
    for (const order of approveOrders) assert.include(wordsOf("order"), `"${order}"`)
  })

  it("is wrapped for reading, all but its tables and what a program prints", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})

describe("what docs/policy.md shows of the command line", () => {
  let home: Homedir
  beforeAll(async () => {
    home = await makeHomedir()
    await importKey(home, "plain")
    await importKey(home, "rsa")
    for (const { text } of blocksOf("toml")) {
      const name = /^# ([a-z]+\.toml)\n/.exec(text)?.[1]
      if (name !== undefined) writeFileSync(join(home.path, name), `${text}\n`)
    }
  })
  afterAll(() => home.close())

  /** What a terminal shows of `gripgate ...args`: what it prints, then what it complains about. */
  const gripgate = async (line: string): Promise<string> => {
    const main = join(root, "packages/cli/src/main.ts")
    const { stderr, stdout } = await home.run([process.execPath, main, ...line.split(" ")], { cwd: home.path })
    return `${stdout}${stderr}`.trimEnd()
  }

  it.each(blocksOf("console"))("is what it prints: $text", async ({ text }) => {
    const [command = "", ...shown] = text.split("\n")
    assert.match(command, /^\$ gripgate (?:lint|check) [^|>&;'"$]+$/)
    assert.strictEqual(await gripgate(command.replace("$ gripgate ", "")), shown.join("\n"))
  })

  it("has both verbs", () => {
    const commands = blocksOf("console").map(({ text }) => text.split(" ")[2])
    assert.includeMembers(commands, ["lint", "check"])
  })
})
