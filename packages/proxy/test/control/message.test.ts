// Messages as they stand on the wire.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import fc from "fast-check"
import { parseReply, parseRequest, type Status, VERSION, writeMessage } from "../../src/control/message.ts"
import { status } from "../support/status.ts"

const request = (text: string) => parseRequest(Buffer.from(text, "latin1"))

describe("a request", () => {
  it("is one line of JSON", () => {
    assert.strictEqual(writeMessage({ v: VERSION, verb: "status" }).toString(), "{\"v\":1,\"verb\":\"status\"}\n")
    assert.deepStrictEqual(request("{\"v\":1,\"verb\":\"status\"}"), Result.succeed("status"))
    assert.deepStrictEqual(request(" { \"verb\" : \"status\", \"v\": 1, \"more\": [1] }\r"), Result.succeed("status"))
  })

  it("of another version, or with another verb, is refused by what it is", () => {
    const version = Result.fail("this gate speaks version 1 of the control messages")
    assert.deepStrictEqual(request("{\"v\":2,\"verb\":\"status\"}"), version)
    assert.deepStrictEqual(request("{\"v\":\"1\",\"verb\":\"stop\"}"), version)
    assert.deepStrictEqual(
      request("{\"v\":1,\"verb\":\"stop\"}"),
      Result.fail("this gate does not know the verb \"stop\"")
    )
    const long = request(`{"v":1,"verb":"${"x".repeat(1000)}"}`)
    assert.deepStrictEqual(long, Result.fail(`this gate does not know the verb "${"x".repeat(40)}"`))
  })

  it("that is none is told what one looks like", () => {
    const expected = Result.fail("expected a line of JSON like {\"v\":1,\"verb\":\"status\"}")
    const others = [
      "",
      "status",
      "{}",
      "[]",
      "null",
      "1",
      "{\"v\":1}",
      "{\"v\":1,\"verb\":null}",
      "{\"v\":1,\"verb\":\"status\"",
      "\xff"
    ]
    for (const text of others) assert.deepStrictEqual(request(text), expected, text)
  })

  it("never throws, whatever comes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.uint8Array()), (bytes) => {
        const result = parseRequest(Buffer.from(bytes as string))
        return Result.isFailure(result) || result.success === "status"
      }),
      { seed: 1, numRuns: 500 }
    )
  })
})

describe("a reply", () => {
  const reply = (text: string) => parseReply(Buffer.from(text))

  it("comes back as it was sent", () => {
    for (
      const message of [{ v: VERSION, ok: true, status } as const, { v: VERSION, ok: false, error: "no\n" } as const]
    ) {
      const line = writeMessage(message)
      assert.strictEqual(line.indexOf("\n"), line.length - 1)
      assert.deepStrictEqual(parseReply(line.subarray(0, -1)), message)
    }
  })

  it("may say more than this version knows", () => {
    const text = JSON.stringify({ v: 1, ok: true, status: { ...status, asks: 3 }, hint: "x" })
    assert.deepStrictEqual(reply(text), { v: VERSION, ok: true, status })
  })

  it("is not taken where it is of another version, or lacks something", () => {
    const { pid: _, ...incomplete } = status satisfies Status
    for (
      const other of [
        { v: 2, ok: true, status },
        { v: 1, ok: true, status: incomplete },
        { v: 1, ok: true, status: { ...status, refused: "7" } },
        { v: 1, ok: false },
        { ok: false, error: "x" },
        []
      ]
    ) {
      assert.isUndefined(reply(JSON.stringify(other)))
    }
    assert.isUndefined(reply("OK Pleased to meet you"))
  })
})
