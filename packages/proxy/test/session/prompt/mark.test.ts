import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@gripgate/protocol/grammar/command"
import { parseRequest, writeRequest } from "@gripgate/protocol/request"
import * as fc from "fast-check"
import { marked } from "../../../src/session/prompt/mark.ts"
import { linesOf } from "../../../src/shown/subject.ts"
import { clientText, linesShown, shown, subject, subjects } from "../../shown/shown.ts"

const parse = (line: Buffer | string): Command => {
  const request = parseRequest(Buffer.from(line))
  if (request.kind !== "command") throw new Error(`expected a command, got ${JSON.stringify(request)}`)
  return request.command
}

const asks = subject({ keys: [], command: "GET_PASSPHRASE", operations: ["passphrase"] })

/** The words of the line that is sent. */
const sent = (line: string, about = asks): ReadonlyArray<Buffer> => {
  const written = writeRequest(marked(parse(line), about))
  if (written === undefined) throw new Error("expected a line that fits")
  return written.toString("latin1").slice(0, -1).split(" ").map((word) => Buffer.from(word, "latin1"))
}

// a cache id is one key's at the most
const aboutOneKey = subjects.map((any) => ({ ...any, keys: any.keys.slice(0, 1) }))

describe("marked", () => {
  it("frames error and description of GET_PASSPHRASE, and gives the prompt back to the agent", () => {
    const words = sent("GET_PASSPHRASE --data --repeat=1 -- id Wrong+passphrase Password+of+git: Enter+passphrase%0A")
    assert.deepStrictEqual(words.slice(0, 4).map(String), ["GET_PASSPHRASE", "--data", "--repeat=1", "id"])
    assert.strictEqual(shown(words[4]!), "\"mailpile\" says: Wrong passphrase")
    assert.strictEqual(String(words[5]), "X")
    assert.deepStrictEqual(linesShown(words[6]!), [...linesOf(asks), "It says:", "| Enter passphrase"])
    assert.strictEqual(words.length, 7)
  })

  it("leaves X for no error as it is, and puts the gate's text where there was no description", () => {
    const words = sent("GET_PASSPHRASE id X X X")
    assert.deepStrictEqual(words.slice(0, 4).map(String), ["GET_PASSPHRASE", "id", "X", "X"])
    assert.deepStrictEqual(linesShown(words[4]!), linesOf(asks))
  })

  it("frames the question of GET_CONFIRMATION", () => {
    const about = subject({ keys: [], command: "GET_CONFIRMATION", operations: ["passphrase"] })
    const [name, text] = sent("GET_CONFIRMATION Sure%3F", about)
    assert.strictEqual(String(name), "GET_CONFIRMATION")
    assert.deepStrictEqual(linesShown(text!), [...linesOf(about), "It says:", "| Sure?"])
  })

  it("leaves every other command as it is, and GET_PASSPHRASE that only looks into the cache", () => {
    for (const line of ["PKSIGN", "GENKEY --no-protection", "GET_PASSPHRASE --no-ask id X X Hello", "SCD SERIALNO"]) {
      const command = parse(line)
      assert.strictEqual(marked(command, asks), command)
    }
  })

  it("makes a line that the agent takes of whatever client and text, also with the longest cache id in its place", () => {
    const options = "--data --check --repeat=999999999 --qualitybar --newsymkey"
    const texts = clientText.filter((text) =>
      text.length > 0 && text[0] !== 0x2d && !/[\0\r\t]/.test(text.toString("latin1"))
    )
    fc.assert(fc.property(aboutOneKey, texts, texts, (any, one, other) => {
      for (const id of ["i", "i".repeat(50)]) {
        const line = Buffer.concat([
          Buffer.from(`GET_PASSPHRASE ${options} ${id} `),
          one.subarray(0, 400),
          Buffer.from(" P "),
          other.subarray(0, 400)
        ])
        const command = marked(parse(line), any)
        const length = writeRequest({ ...command, args: ["i".repeat(50), ...command.args.slice(1)] })?.length
        assert.isDefined(length)
        assert.deepStrictEqual(linesShown(Buffer.from(command.args[3]!)).slice(0, linesOf(any).length), linesOf(any))
      }
      const asked = marked(parse(Buffer.concat([Buffer.from("GET_CONFIRMATION "), other])), any)
      assert.isDefined(writeRequest(asked))
    }))
  })
})
