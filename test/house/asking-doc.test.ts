// docs/asking.md is true: what it shows of a pinentry, a screen and a damaged file is what the code makes of its one question,
// its tables of JSON have every field and no other, and its policy has the question asked.
import { assert, describe, it } from "@effect/vitest"
import { parsePolicy } from "@gripgate/policy/file/parse"
import { approverNames } from "@gripgate/policy/policy"
import { gpgError } from "@gripgate/protocol/gpg-error"
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import { isOperation } from "@gripgate/protocol/operation"
import { firstSheet } from "@gripgate/proxy/approve/pinentry/text"
import type { Question } from "@gripgate/proxy/approve/question"
import { type AskedQuestion, Asks } from "@gripgate/proxy/control/message/asked"
import { Grants, Revoked } from "@gripgate/proxy/control/message/granted"
import { OwnersPlace } from "@gripgate/proxy/control/message/place"
import { Status } from "@gripgate/proxy/control/message/status"
import { showQuestion } from "@gripgate/proxy/control/show"
import { GRANTS, openGrants } from "@gripgate/proxy/grant/grant-store"
import { entryText } from "@gripgate/proxy/journal/record"
import { LogService } from "@gripgate/proxy/log"
import { makeFolder, removeFolder } from "@gripgate/testkit/folder"
import { layerWebCrypto } from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { exitCode } from "gripgate/exit-code"
import { asksScreen } from "gripgate/screens/asks"
import { grantsScreen } from "gripgate/screens/grants"
import type { Line, View } from "gripgate/screens/line"
import { helpLines } from "gripgate/screens/watch/bottom"
import type { WatchScreen } from "gripgate/screens/watch/data"
import { watchScreen } from "gripgate/screens/watch/watch"
import { readAnswerLine } from "gripgate/verbs/serve-terminal/answer-line"
import { readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { longLines } from "../support/prose.ts"

const root = resolve(import.meta.dirname, "../..")
const written = readFileSync(join(root, "docs/asking.md"), "utf8")

const blocks = [...written.matchAll(/^```([a-z]+)\n([^]*?)\n```$/gm)].map(([, language = "", text = ""]) => ({
  language,
  text
}))
const blocksOf = (language: string): ReadonlyArray<string> =>
  blocks.filter((block) => block.language === language).map(({ text }) => text)

/** What stands below a command; trailing blanks are none in a document. */
const shownBelow = (command: string): string => {
  const block = blocksOf("console").find((text) => text.startsWith(`$ ${command}\n`))
  assert.isDefined(block, `there is no example of ${command}`)
  return block!.slice(`$ ${command}\n`.length)
}

const quoted = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]*)`/g)].map(([, word = ""]) => word)

/** The rows of the table that begins with this header, as their cells. */
const rowsBelow = (header: string): ReadonlyArray<ReadonlyArray<string>> => {
  const at = written.indexOf(`\n| ${header} |`)
  assert.isAbove(at, 0, `there is no table | ${header} |`)
  const [table = ""] = written.slice(at + 1).split("\n\n")
  return table.trimEnd().split("\n").slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()))
}

const textOf = (lines: ReadonlyArray<Line>): string => lines.map(({ text }) => text.trimEnd()).join("\n")

/** The two examples in JSON: the question that all others are made of, and a grant. */
const [asksJson = "", grantsJson = ""] = blocksOf("json")
const exactly = { onExcessProperty: "error" } as const
const asks = Schema.decodeUnknownSync(Asks, exactly)(JSON.parse(asksJson))
const asked = asks[0]!
const [policyText = ""] = blocksOf("toml")

/** The question itself, from what programs see of it. */
const questionOf = (from: AskedQuestion): Question => ({
  id: from.id,
  subject: {
    app: from.app ?? undefined,
    how: from.who,
    operations: from.operations.filter(isOperation),
    asked: from.operations.filter(isOperation),
    command: from.command,
    keys: from.keys.map(({ capabilities, fingerprint, keyId, keygrip, userId }) => ({
      keygrip: parseKeygrip(keygrip)!,
      keyId: keyId!,
      fingerprint: fingerprint!,
      userId: userId!,
      capabilities: new Set(capabilities as ReadonlyArray<"sign" | "certify">)
    }))
  },
  operation: [from.operation].find(isOperation)!,
  client: { recognised: from.recognised, uid: from.uid!, pid: from.pid!, program: from.program! },
  why: from.entry,
  digest: from.digest!,
  offers: { while: from.offers.forMs!, always: from.offers.always },
  askedAt: Date.parse(from.askedAt)
})

const view: View = { columns: 80, now: Date.parse(asked.askedAt) + 12_000, offset: () => 0 }

const watching: WatchScreen = {
  ...view,
  rows: 24,
  asks,
  decided: [],
  paused: [],
  place: { display: ":0", tty: null },
  gone: undefined,
  marked: asked.id,
  from: 0,
  help: false,
  confirm: undefined,
  message: undefined
}

describe("docs/asking.md", () => {
  it("has a policy by which its question is asked, and an example that is whole", () => {
    const file = /\((\S+):\d+:\d+\)$/.exec(asked.entry)![1]!
    const entry = Result.getOrThrow(parsePolicy(policyText, file)).apps.get(asked.app!)?.operations.get("sign")
    assert.strictEqual(asked.entry, entryText(entry!))
    assert.strictEqual(asked.offers.forMs, entry?.remember)
    const question = questionOf(asked)
    assert.deepStrictEqual(showQuestion({ question, state: "open", endsAt: Date.parse(asked.endsAt!) }), asked)
  })

  it("shows what a pinentry is given", () => {
    const sheet = firstSheet(questionOf(asked))!
    const words = (line = ""): string => decodeURIComponent(line.slice(line.indexOf(" ") + 1))
    const buttons = [sheet.ok, sheet.notok, sheet.cancel].map((line) => `[${words(line).replace("_", "")}]`)
    assert.deepStrictEqual(blocksOf("text"), [`${words(sheet.description)}\n\n${buttons.join("  ")}`])
  })

  it("shows the screens of its question and its grant", () => {
    assert.strictEqual(shownBelow("gripgate asks"), textOf(asksScreen(asks, [], view)))
    // without the blank lines of a screen that is not full
    const lines = watchScreen(watching).filter(({ text }) => text !== "")
    assert.strictEqual(shownBelow("gripgate watch"), textOf(lines))
    const grants = Schema.decodeUnknownSync(Grants, exactly)(JSON.parse(grantsJson))
    assert.strictEqual(shownBelow("gripgate grants"), textOf(grantsScreen(grants, view)))
  })

  it("names every key of the live screen, and what can be typed where a gate runs on a terminal", () => {
    const lines = helpLines({ ...watching, columns: 200, help: true }).map(({ text }) => text.slice(1, 13).trim())
    const keys = lines.filter((text) => text !== "").flatMap((text) => text.split(", "))
    assert.sameMembers(rowsBelow("key").flatMap(([cell = ""]) => quoted(cell)), keys)
    const [paragraph] = /`gripgate serve` on a terminal [^]*?\n\n/.exec(written)!
    const typed = quoted(paragraph).filter((text) => text.endsWith(" ID"))
    const answers = typed.map((text) => readAnswerLine(text.replace("ID", asked.id))!)
    assert.deepStrictEqual(answers.map((answer) => Result.getOrThrow(answer)), [
      { id: asked.id, kind: "yes", good: "once" },
      { id: asked.id, kind: "yes", good: 900_000 },
      { id: asked.id, kind: "yes", good: "always" },
      { id: asked.id, kind: "no", good: "once" },
      { id: asked.id, kind: "no", good: "always" }
    ])
  })

  it("shows what a gate says of a grant that was altered", async () => {
    const folder = await makeFolder("gd")
    try {
      const open = openGrants({ state: folder }).pipe(
        Effect.provide(layerWebCrypto),
        Effect.provideService(LogService, { level: 3, write: () => {} })
      )
      const by = { through: "approve" }
      const terms = { holder: { kind: "app", app: "release" }, operations: new Set(["sign"] as const), by } as const
      await Effect.runPromise(Effect.scoped(
        Effect.flatMap(
          open,
          (grants) => grants.give([{ ...terms, definition: "d", keygrip: undefined, answer: "never" }], undefined)
        )
      ))
      const file = join(folder, GRANTS)
      writeFileSync(file, readFileSync(file, "utf8").replace("never", "yes"))
      const { hint, message } = await Effect.runPromise(Effect.flip(Effect.scoped(open)))
      const said = `gripgate: error: ${message}\ngripgate: hint: ${hint}`
      assert.strictEqual(shownBelow("gripgate serve"), said.replaceAll(folder, "/home/alice/.local/state/gripgate"))
    } finally {
      await removeFolder(folder)
    }
  })

  it("names every approver, and numbers and words that gpg has", () => {
    assert.sameMembers(rowsBelow("approver").flatMap(([cell = ""]) => quoted(cell)), [...approverNames])
    const { CANCELED, FORBIDDEN, LIMIT_REACHED, NO_AGENT, TIMEOUT } = gpgError
    assert.sameDeepMembers(
      rowsBelow("what happens").map(([, text, number]) => ({ text: text!, value: Number(number) })),
      [CANCELED, TIMEOUT, FORBIDDEN, LIMIT_REACHED, NO_AGENT]
    )
  })

  it("has no exit code that a verb does not have", () => {
    const codes = rowsBelow("exit code").map(([code]) => Number(code))
    assert.sameMembers(codes, Object.values(exitCode).filter((code) => code !== exitCode.badPolicy))
  })

  it("has no block that nobody looks at", () => {
    assert.deepStrictEqual(blocks.map(({ language }) => language).toSorted(), [
      ...Array.from({ length: 4 }, () => "console"),
      "json",
      "json",
      "text",
      "toml"
    ])
    assert.lengthOf(written.match(/^```/gm) ?? [], 2 * blocks.length)
  })

  it("is wrapped for reading, all but its tables and what a program prints", () => {
    assert.deepStrictEqual(longLines(written), [])
  })
})

/** What a value is in JSON: `string or null`, `"yes" or "never"`. */
const typeOf = (ast: AST.AST): string => {
  switch (ast._tag) {
    case "Union":
      return ast.types.map(typeOf).join(" or ")
    case "Literal":
      return JSON.stringify(ast.literal)
    case "Objects":
      return "object"
    case "Arrays":
      return "array"
    default:
      return ast._tag.toLowerCase()
  }
}

/** Every field below a path, with its type: `keys[].keyId`, `offers.always`. */
const fieldsOf = (ast: AST.AST, path = ""): ReadonlyArray<readonly [string, string]> => {
  switch (ast._tag) {
    case "Union":
      return ast.types.flatMap((each) => fieldsOf(each, path))
    case "Arrays":
      return ast.rest.flatMap((each) => fieldsOf(each, path === "" ? "" : `${path}[]`))
    case "Objects":
      return ast.propertySignatures.flatMap(({ name, type }) => {
        const its = path === "" ? String(name) : `${path}.${String(name)}`
        return [[its, typeOf(type)] as const, ...fieldsOf(type, its)]
      })
    default:
      return []
  }
}

describe("the JSON that docs/asking.md describes", () => {
  it.each(
    [
      ["`asks`, `approve`, `deny`", Asks.ast, []],
      ["`grants`", Grants.ast, []],
      ["`revoke`", Revoked.ast, []],
      ["`tty`", OwnersPlace.ast, []],
      // the verb adds a version
      ["`status`", Status.ast, [["v", "number"]]]
    ] as const
  )("has a row for every field, with its type, and no other: %s", (header, ast, more) => {
    const rows = rowsBelow(header).map(([name = "", type = ""]) => [quoted(name)[0], type])
    assert.deepStrictEqual(rows, [...more, ...fieldsOf(ast)].map(([name, type]) => [name, type]))
  })
})
