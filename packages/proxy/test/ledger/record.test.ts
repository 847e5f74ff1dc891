// The form of a line. The expected hashes were computed with Python's hmac module:
//   H = lambda data: hmac.new(bytes(range(32)), data, hashlib.sha256).digest()
//   H(b"gripgate ledger grants 1"), then for each line H(hash before + body)
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { createHash, createSecretKey } from "node:crypto"
import {
  checkLine,
  fieldsOf,
  genesis,
  MAX_LINE,
  type Mismatch,
  type Position,
  writeLine
} from "../../src/ledger/record.ts"

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i)
const key = createSecretKey(bytes)
const start = genesis(key, "grants")

const golden: ReadonlyArray<readonly [at: string, record: object, line: string]> = [
  [
    "2026-11-25T19:30:00.000Z",
    { op: "grant", app: "git" },
    "{\"v\":1,\"n\":1,\"at\":\"2026-11-25T19:30:00.000Z\",\"op\":\"grant\",\"app\":\"git\","
    + "\"mac\":\"2d00d6576b7f115b3c4e574688a4e3f05755b9d9f533a61b308115c5c382f41d\"}\n"
  ],
  [
    "2026-11-25T19:30:00.007Z",
    { note: "gr\u00fcn \" ,\"mac\":\n" },
    "{\"v\":1,\"n\":2,\"at\":\"2026-11-25T19:30:00.007Z\",\"note\":\"gr\u00fcn \\\" ,\\\"mac\\\":\\n\","
    + "\"mac\":\"fd6d1daed301a5cbc417ba7f674d9bd257fc32c168bf7209229e27260558ca12\"}\n"
  ],
  [
    "1970-01-01T00:00:00.000Z",
    {},
    "{\"v\":1,\"n\":3,\"at\":\"1970-01-01T00:00:00.000Z\","
    + "\"mac\":\"99485662abf8d1489554712fca74fdc98ae9cf405d76aecd333b9397993fa7fe\"}\n"
  ]
]

/** RFC 2104, from its definition. */
const hmac = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const block = (pad: number) => Uint8Array.from({ length: 64 }, (_, i) => (bytes[i] ?? 0) ^ pad)
  const hash = (...data: ReadonlyArray<Uint8Array>) => createHash("sha256").update(Buffer.concat(data)).digest()
  return hash(block(0x5c), hash(block(0x36), ...parts))
}

const write = (last: Position, at: number, record: object) =>
  writeLine(key, last, at, Result.getOrThrow(fieldsOf(record)))

const withoutLf = (line: Buffer): Buffer => line.subarray(0, -1)

describe("a line", () => {
  it("begins the chain with the name of the ledger", () => {
    assert.strictEqual(start.mac.toString("hex"), "f6b9bdce7365bd8cf12e376bcbf0444ea75dede1eaeaa403e0f05392a0983ebf")
    assert.isFalse(genesis(key, "journal").mac.equals(start.mac))
  })

  it("has these very bytes, and says what was written", () => {
    let last = start
    for (const [at, record, expected] of golden) {
      const { line, position } = write(last, Date.parse(at), record)
      assert.strictEqual(line.toString(), expected)
      const checked = Result.getOrThrow(checkLine(key, last, withoutLf(Buffer.from(expected))))
      assert.deepStrictEqual(checked, { position, at: Date.parse(at), fields: record } as typeof checked)
      last = position
    }
    assert.strictEqual(last.n, 3)
  })

  it("comes back as it was written, whatever is in it, and is hashed as RFC 2104 says", () => {
    const field = fc.string({ unit: "binary" }).filter((name) => !["v", "n", "at", "mac", "__proto__"].includes(name))
    const record = fc.dictionary(field, fc.jsonValue({ stringUnit: "binary" }))
    const time = fc.integer({ min: 0, max: 8.64e15 })
    fc.assert(
      fc.property(record, time, (record, at) => {
        const { line, position } = write(start, at, record)
        assert.strictEqual(line.indexOf(0x0a), line.length - 1)
        assert.isFalse(line.includes(0))
        const body = line.subarray(0, line.lastIndexOf(",\"mac\":"))
        assert.isTrue(hmac(start.mac, body).equals(position.mac))
        const checked = Result.getOrThrow(checkLine(key, start, withoutLf(line)))
        assert.strictEqual(checked.at, at)
        assert.deepStrictEqual(checked.fields, JSON.parse(JSON.stringify(record)))
      }),
      { seed: 1, numRuns: 150 }
    )
  })

  it("is not what was not written here", () => {
    const { line } = write(start, 0, { op: "grant" })
    const other = write(genesis(key, "journal"), 0, { op: "grant" }).line
    const second = write(write(start, 0, {}).position, 0, { op: "grant" }).line
    const text = withoutLf(line).toString()
    const check = (line: string | Buffer): Mismatch | undefined => {
      const checked = checkLine(key, start, Buffer.from(line as string))
      return Result.isFailure(checked) ? checked.failure : undefined
    }
    const altered: Mismatch = { kind: "altered" }
    const cases: ReadonlyArray<readonly [string | Buffer, Mismatch]> = [
      [text.replace("grant", "Grant"), altered],
      [text.replace("\"op\"", " \"op\""), altered],
      // the same JSON and the same hash, in other bytes
      [text.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()), altered],
      [text.replace("\"}", "\" }"), altered],
      [text.slice(0, -1), altered],
      [text.replace(/,"mac".*/, "}"), altered],
      [`${text}\r`, altered],
      ["", altered],
      ["{}", altered],
      [withoutLf(other), altered],
      [withoutLf(second), { kind: "elsewhere", got: 2 }],
      [text.replace("\"n\":1", "\"n\":0"), { kind: "elsewhere", got: 0 }],
      [text.replace("\"v\":1", "\"v\":2"), { kind: "newer", got: 2 }],
      ["{\"v\":12,\"else\":true}", { kind: "newer", got: 12 }]
    ]
    for (const [line, expected] of cases) assert.deepStrictEqual(check(line), expected, String(line))
  })
})

describe("fieldsOf", () => {
  it("takes no field that every line has, and nothing but an object", () => {
    for (const name of ["v", "n", "at", "mac"]) assert.isTrue(Result.isFailure(fieldsOf({ [name]: 1 })), name)
    assert.isTrue(Result.isSuccess(fieldsOf({ inner: { v: 1, n: 1, at: 1, mac: 1 } })))
    for (const value of [[], new String("text"), new Date(0)]) assert.isTrue(Result.isFailure(fieldsOf(value)))
  })

  it("takes what makes a line of 64 KiB at most, at any time and number", () => {
    const far = { n: Number.MAX_SAFE_INTEGER - 1, mac: start.mac }
    const lengthOf = (text: string) => {
      const fields = fieldsOf({ text })
      return Result.isFailure(fields) ? undefined : writeLine(key, far, 8.64e15, fields.success).line.length
    }
    let [fits, not] = [0, MAX_LINE]
    while (not - fits > 1) {
      const middle = (fits + not) >> 1
      if (lengthOf("x".repeat(middle)) === undefined) not = middle
      else fits = middle
    }
    assert.strictEqual(lengthOf("x".repeat(fits)), MAX_LINE)
    // it is bytes that count
    assert.isUndefined(lengthOf("\u00fc".repeat(Math.ceil(not / 2))))
    assert.isAtMost(lengthOf("\u00fc".repeat(fits >> 1))!, MAX_LINE)
  })
})
