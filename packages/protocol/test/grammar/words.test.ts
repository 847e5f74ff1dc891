// The reader and the writer of a command's words, on a description of their own.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { type CommandSpec, has } from "../../src/grammar/command.ts"
import { choice, escapedText, number, rest, restWithDashes, word } from "../../src/grammar/field.ts"
import { readWords, writeWords } from "../../src/grammar/words.ts"
import { command as describeCommand } from "../../src/table/define.ts"
import { latin1, plain } from "../plain.ts"

const spec = (more: Partial<CommandSpec>): CommandSpec => ({
  ...describeCommand("TRY", "agent", "for this test"),
  ...more
})

const full = spec({
  options: [
    { name: "--flag" },
    { name: "--value", value: word("WORD") },
    { name: "--maybe", value: number("COUNT"), bare: true },
    { name: "--meant", value: choice("a", "b"), bare: true, bareMeans: "b" }
  ],
  args: [
    { field: number("NUMBER") },
    { field: escapedText("TEXT"), optional: true },
    { field: rest("REST"), optional: true }
  ]
})

/** What is written of what was read, or why nothing was. */
const rewritten = (description: CommandSpec, line: string): string => {
  const result = readWords(description, latin1(line))
  if (Result.isFailure(result)) return `! ${result.failure.reason}`
  const pieces: Array<Buffer> = []
  writeWords(result.success, pieces)
  return Buffer.concat(pieces).toString("latin1")
}

describe("readWords and writeWords", () => {
  it("put single blanks before options in the table's order, then arguments", () => {
    assert.strictEqual(
      rewritten(full, " --maybe --value=x\t--flag -- 07  a  b  c "),
      " --flag --value=x --maybe 7 a b  c "
    )
    assert.strictEqual(rewritten(full, "1"), " 1")
    assert.strictEqual(rewritten(full, "--maybe=3 --meant=a 1"), " --maybe=3 --meant=a 1")
    assert.strictEqual(rewritten(full, "--meant 1"), " --meant=b 1")
  })

  it("read values by name and place", () => {
    const command = Result.getOrThrow(readWords(full, latin1("--maybe --value=x 1 a b")))
    assert.deepStrictEqual(plain(command), {
      name: "TRY",
      options: { "--maybe": "", "--value": "x" },
      args: ["1", { bytes: "a" }, { bytes: "b" }]
    })
    assert.deepStrictEqual([has(command, "--maybe"), has(command, "--flag")], [true, false])
  })

  it("take an empty line for no words", () => {
    assert.strictEqual(rewritten(spec({}), ""), "")
    assert.strictEqual(rewritten(spec({}), " \t "), "")
    assert.strictEqual(rewritten(spec({}), " -- "), "")
  })

  it("say what is missing, too much, or not what it should be", () => {
    assert.strictEqual(rewritten(full, ""), "! TRY needs NUMBER")
    assert.strictEqual(rewritten(full, "x"), "! TRY needs NUMBER")
    assert.strictEqual(rewritten(full, "--nosuch 1"), "! TRY has no such option")
    assert.strictEqual(rewritten(full, "--flag --flag 1"), "! --flag given twice")
    assert.strictEqual(rewritten(full, "--flag=1 1"), "! --flag takes no value")
    assert.strictEqual(rewritten(full, "--value 1"), "! --value needs a value")
    assert.strictEqual(rewritten(full, "--value= 1"), "! --value needs WORD")
    assert.strictEqual(rewritten(full, "--maybe=x 1"), "! --maybe needs COUNT")
    assert.strictEqual(rewritten(full, "1 --flag"), "! an option behind an argument")
    assert.strictEqual(rewritten(full, "1 a b --flag"), "! TRY needs REST")
    assert.strictEqual(rewritten(spec({}), "x"), "! TRY: more words than it takes")
    assert.strictEqual(rewritten(spec({ args: [{ field: number("N") }] }), "1 2"), "! TRY: more words than it takes")
  })

  it("take options only before the first argument, and none behind `--`", () => {
    assert.strictEqual(rewritten(full, "-- --flag 1"), "! an option behind an argument")
    assert.strictEqual(rewritten(full, "-- --"), "! an option behind an argument")
    assert.strictEqual(rewritten(full, "--flag -- 1 a"), " --flag 1 a")
  })

  it("let a text begin with dashes only where its description says so", () => {
    const dashes = spec({
      options: [{ name: "--flag" }],
      args: [{ field: word("NAME") }, { field: restWithDashes("TEXT") }]
    })
    assert.strictEqual(rewritten(dashes, "x --flag y"), " x --flag y")
    assert.strictEqual(rewritten(dashes, "--flag x --"), " --flag x --")
    assert.strictEqual(rewritten(dashes, "--nosuch x y"), "! TRY has no such option")
  })

  it("repeat the last argument", () => {
    const many = spec({ args: [{ field: word("NAME") }, { field: number("N"), optional: true, repeated: true }] })
    assert.strictEqual(rewritten(many, "a"), " a")
    assert.strictEqual(rewritten(many, "a 1 02  3"), " a 1 2 3")
    assert.strictEqual(rewritten(many, "a 1 x 3"), "! TRY needs N")
  })

  it("ask the description's own check last", () => {
    const checked = spec({ ...full, check: (command) => has(command, "--flag") ? "not with --flag" : undefined })
    assert.strictEqual(rewritten(checked, "1"), " 1")
    assert.strictEqual(rewritten(checked, "--flag 1"), "! not with --flag")
    assert.strictEqual(rewritten(checked, "--flag"), "! TRY needs NUMBER")
  })
})
