// Recorded lines with something wrong in them: nothing throws or hangs, and what is accepted is sound.
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { canonicalAnswer } from "../src/answer-grammar.ts"
import { parseAnswerLine } from "../src/answer.ts"
import { Dialogue } from "../src/dialogue.ts"
import { decodeData } from "../src/escape.ts"
import { LineReader } from "../src/framing.ts"
import { parseReply } from "../src/reply.ts"
import { parseRequest, writeOption, writeRequest } from "../src/request.ts"
import { agentSees, optionSeen } from "./agent-model.ts"
import { valueText } from "./plain.ts"
import { connections, linesOf } from "./recorded.ts"

const clientLines = linesOf("client")
const agentLines = linesOf("agent")

/** One change of a line. */
const change: fc.Arbitrary<(line: Buffer) => Buffer> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([place, byte]) => (line: Buffer) => {
    const at = place % (line.length + 1)
    return Buffer.concat([line.subarray(0, at), Buffer.of(byte), line.subarray(at)])
  }),
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })).map(([place, byte]) => (line: Buffer) => {
    const copy = Buffer.from(line)
    if (copy.length > 0) copy[place % copy.length] = byte
    return copy
  }),
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 8 })).map(([place, length]) => (line: Buffer) => {
    const at = place % (line.length + 1)
    return Buffer.concat([line.subarray(0, at), line.subarray(at + length)])
  }),
  fc.tuple(
    fc.nat(),
    fc.constantFrom(" --force", " --verify", "--", " -- ", "\t--card ", " --list", "=x--verify", "\r", "%", "\0 pid")
  )
    .map(([place, text]) => (line: Buffer) => {
      const at = place % (line.length + 1)
      return Buffer.concat([line.subarray(0, at), Buffer.from(text), line.subarray(at)])
    }),
  fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(...clientLines)).map(([place, otherPlace, other]) => (line: Buffer) =>
    Buffer.concat([line.subarray(0, place % (line.length + 1)), other.subarray(otherPlace % (other.length + 1))])
  ),
  fc.constant((line: Buffer) => Buffer.from(line.toString("latin1").toLowerCase(), "latin1"))
)

const mutated = (lines: ReadonlyArray<Buffer>): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.constantFrom(...lines), fc.array(change, { minLength: 1, maxLength: 3 })).map(([line, changes]) =>
    changes.reduce((changed, one) => one(changed), line)
  )

/** Whether a line is accepted as a command or option; if so, what is sent for it is what was parsed. */
const assertSafe = (line: Buffer): boolean => {
  const request = parseRequest(line)
  if (request.kind === "option") {
    const written = writeOption(request.option.name, request.value).toString("latin1")
    assert.match(written, /^OPTION [^\0\r\n]{1,993}\n$/)
    assert.deepStrictEqual(optionSeen(written.slice(0, -1)), [request.option.name, request.value.toString("latin1")])
    return true
  }
  if (request.kind !== "command") return false
  const bytes = writeRequest(request.command)
  if (bytes === undefined) return true
  const written = bytes.toString("latin1")
  assert.match(written, /^[^\0\r\n]{1,1000}\n$/)
  const used = request.command.inner ?? request.command
  const seen = agentSees(written.slice(0, -1))
  assert.deepStrictEqual([seen.name, seen.inner], [request.command.spec.name, request.command.inner?.spec.name])
  assert.deepStrictEqual(
    seen.options,
    Object.fromEntries([...used.options].map(([name, value]) => [name, valueText(value)]))
  )
  assert.strictEqual(seen.rest, used.args.map(valueText).join(" "))
  const again = parseRequest(bytes.subarray(0, -1))
  assert.deepStrictEqual(again.kind === "command" ? writeRequest(again.command) : undefined, bytes)
  return true
}

describe("changed lines of recorded dialogues", () => {
  it("are no commands, or ones in which the agent sees what was parsed", () => {
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(mutated(clientLines), (line) => {
        if (assertSafe(line)) accepted++
        else refused++
      }),
      { seed: 20261123, numRuns: 10_000 }
    )
    assert.isAbove(accepted, 1000)
    assert.isAbove(refused, 1000)
  })

  it("are answers, replies and S-expressions, or not, and nothing throws", () => {
    let answers = 0
    let replies = 0
    fc.assert(
      fc.property(fc.oneof(mutated(clientLines), mutated(agentLines)), (line) => {
        const answer = parseAnswerLine(line)
        if (answer.kind === "data") {
          answers++
          const data = decodeData(answer.payload)
          // what is decoded has only whole escapes
          assert.strictEqual(data !== undefined, !/%(?![0-9A-Fa-f]{2})/.test(answer.payload.toString("latin1")))
          if (data !== undefined) {
            canonicalAnswer("ciphertext", data)
            canonicalAnswer("keyparam", data)
          }
        }
        const reply = parseReply(line)
        if (reply !== undefined) replies++
        if (reply?.kind === "err") assert.isTrue(reply.value > 0 && reply.value <= 0xffffffff)
        if (reply?.kind === "status" || reply?.kind === "inquire") assert.match(reply.keyword, /^[^ ]+$/)
      }),
      { seed: 40, numRuns: 10_000 }
    )
    assert.isAbove(answers, 100)
    assert.isAbove(replies, 1000)
  })

  it("end a dialogue at most: whatever comes, it is somebody's turn, and nothing is owed below zero", () => {
    const turns = new Set<string>()
    const dialogueOf = fc.constantFrom(...connections)
    fc.assert(
      fc.property(
        dialogueOf,
        fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 4 }),
        (lines, changes) => {
          const changed = new Map(changes.map(([place, one]) => [place % lines.length, one]))
          const dialogue = new Dialogue()
          lines.forEach(({ bytes, from }, index) => {
            const line = changed.get(index)?.(bytes) ?? bytes
            const before = dialogue.turn
            const parsed = from === "client" ? dialogue.client(line) : dialogue.server(line)
            if (before === "over") assert.isTrue(dialogue.turn === "over")
            if (parsed === undefined && from === "client") assert.strictEqual(dialogue.turn, before)
            assert.isAtLeast(dialogue.outstanding, 0)
            turns.add(dialogue.turn)
          })
        }
      ),
      { seed: 67, numRuns: 1000 }
    )
    assert.deepStrictEqual([...turns].toSorted(), ["busy", "idle", "inquiry", "over"])
  })

  it("come out of a reader whole, or not at all", () => {
    fc.assert(
      fc.property(
        fc.array(mutated([...clientLines, ...agentLines]), { maxLength: 6 }),
        fc.integer({ min: 1, max: 50 }),
        (lines, length) => {
          const wire = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]))
          const expected = wire.toString("latin1").split("\n").slice(0, -1)
          const reader = new LineReader()
          const found: Array<string> = []
          for (let at = 0; at < wire.length; at += length) {
            reader.push(Buffer.from(wire.subarray(at, at + length)))
            for (let line = reader.next(); line !== undefined; line = reader.next()) found.push(line.toString("latin1"))
          }
          const tooLong = expected.findIndex((line) => line.length > 1001)
          const good = tooLong < 0 ? expected : expected.slice(0, tooLong)
          assert.deepStrictEqual(found, good.map((line) => line.replace(/\r$/, "")))
        }
      ),
      { seed: 1002, numRuns: 500 }
    )
  })
})
