// Messages as they stand on the wire.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import fc from "fast-check"
import { parseReply, parseRequest, VERSION, writeReply, writeRequest } from "../../src/control/message/envelope.ts"
import type { Request } from "../../src/control/message/request.ts"

const request = (text: string) => parseRequest(Buffer.from(text, "latin1"))

const all: ReadonlyArray<Request> = [
  { verb: "status" },
  { verb: "asks" },
  { verb: "answer", id: "7KQ2", kind: "yes", good: "once", through: "approve" },
  { verb: "answer", id: "7KQ2", kind: "no", good: "always", through: "watch" },
  { verb: "answer", id: "7KQ2", kind: "yes", good: 900_000, through: "watch" },
  { verb: "grants" },
  { verb: "grants", id: "H2RW" },
  { verb: "revoke", what: { id: "H2RW" } },
  { verb: "revoke", what: { app: "git" } },
  { verb: "revoke", what: { all: true } },
  { verb: "tty", environment: { DISPLAY: ":0" } },
  { verb: "watch" },
  { verb: "plan", what: { app: "git", keys: ["alice@example.org"], seal: true } },
  { verb: "plan", what: { id: "H2RW" } },
  {
    verb: "grant",
    app: "git",
    keys: ["A".repeat(40)],
    operations: ["sign"],
    seal: true,
    forMs: 1,
    uses: 1,
    limit: "60/hour",
    passphrases: "given",
    secrets: [{ key: "A".repeat(40), bytes: 255 }]
  },
  { verb: "grant", app: "git", keys: ["A".repeat(40)], seal: false, passphrases: "pinentry" },
  { verb: "rotate", id: "H2RW", overlapMs: 0, passphrases: "given" },
  { verb: "renew", id: "H2RW", forMs: null, uses: 3 },
  { verb: "renew", id: "H2RW", forMs: 900_000 }
]

describe("a request", () => {
  it("is one line of JSON, and is read as it was written", () => {
    assert.strictEqual(writeRequest({ verb: "status" }).toString(), "{\"v\":1,\"verb\":\"status\"}\n")
    for (const one of all) {
      const line = writeRequest(one)
      assert.strictEqual(line.indexOf("\n"), line.length - 1)
      assert.deepInclude(Result.getOrThrow(parseRequest(line.subarray(0, -1))), one)
    }
    assert.deepStrictEqual(
      request(" { \"verb\" : \"status\", \"v\": 1, \"more\": [1] }\r"),
      Result.succeed({ verb: "status" })
    )
  })

  it("of another version, or with another verb or other fields, is refused by what it is", () => {
    const version = Result.fail("this gate speaks version 1 of the control messages")
    assert.deepStrictEqual(request("{\"v\":2,\"verb\":\"status\"}"), version)
    assert.deepStrictEqual(request("{\"v\":\"1\",\"verb\":\"stop\"}"), version)
    assert.deepStrictEqual(
      request("{\"v\":1,\"verb\":\"stop\"}"),
      Result.fail("this gate does not know the verb \"stop\"")
    )
    const long = request(`{"v":1,"verb":"${"x".repeat(1000)}"}`)
    assert.deepStrictEqual(long, Result.fail(`this gate does not know the verb "${"x".repeat(40)}"`))
    const lacking = Result.fail("the verb \"answer\" does not have these fields")
    for (
      const fields of [
        {},
        { id: "7KQ2", kind: "maybe", good: "once", through: "approve" },
        { id: "7KQ2", kind: "yes", good: 0, through: "approve" },
        { id: "7KQ2", kind: "yes", good: 1.5, through: "approve" },
        { id: "7KQ2", kind: "yes", good: 1e15, through: "approve" },
        { id: "7KQ2", kind: "no", good: 900_000, through: "approve" },
        { id: "x".repeat(65), kind: "yes", good: "once", through: "approve" },
        { id: "7KQ2", kind: "yes", good: "once", through: "pinentry" }
      ]
    ) assert.deepStrictEqual(request(JSON.stringify({ v: 1, verb: "answer", ...fields })), lacking)
    assert.isTrue(Result.isFailure(request("{\"v\":1,\"verb\":\"revoke\",\"what\":{\"all\":false}}")))
    assert.isTrue(Result.isFailure(request("{\"v\":1,\"verb\":\"revoke\"}")))
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
        return Result.isFailure(result) || all.some(({ verb }) => verb === result.success.verb)
      }),
      { seed: 1, numRuns: 500 }
    )
  })
})

describe("a reply", () => {
  const reply = (text: string) => parseReply(Buffer.from(text))

  it("comes back as it was sent", () => {
    for (
      const message of [
        { v: VERSION, ok: true, result: [{ id: "7KQ2" }] } as const,
        { v: VERSION, ok: false, fault: "refused", error: "no\n" } as const,
        { v: VERSION, ok: true, result: { id: "7KQ2" }, secretBytes: 45 } as const,
        { v: VERSION, ok: false, fault: "notPermitted", error: "no", hint: "go" } as const,
        { v: VERSION, ok: false, fault: "usage", error: "no" } as const,
        { v: VERSION, ok: false, fault: "refused", error: "no", wrong: ["A".repeat(40)] } as const
      ]
    ) {
      const line = writeReply(message)
      assert.strictEqual(line.indexOf("\n"), line.length - 1)
      assert.deepStrictEqual(parseReply(line.subarray(0, -1)), message)
    }
  })

  it("is not taken where it is of another version, or lacks something", () => {
    for (const other of [{ v: 2, ok: true, result: 1 }, { v: 1, ok: false }, { ok: false, error: "x" }, []]) {
      assert.isUndefined(reply(JSON.stringify(other)))
    }
    assert.isUndefined(reply("OK Pleased to meet you"))
  })
})
