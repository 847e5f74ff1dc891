// One line of a ledger: a record in JSON, bound to every line before it by a keyed hash. Pure: a key and bytes in, bytes or
// plain data out. A line is checked as the bytes that stand in the file, never as JSON written anew.
import * as DateTime from "effect/DateTime"
import * as Result from "effect/Result"
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto"

/** Version of a line. */
export const VERSION = 1

/** Longest line in bytes, with its LF. */
export const MAX_LINE = 64 * 1024

/** How far a chain has come: the number of its last record, and that record's hash. */
export interface Position {
  readonly n: number
  /** 32 bytes. */
  readonly mac: Buffer
}

/** Where the chain of a ledger begins: each name has a beginning of its own, so no record fits into two ledgers. */
export const genesis = (key: KeyObject, name: string): Position => ({
  n: 0,
  mac: createHmac("sha256", key).update(`gripgate ledger ${name} ${VERSION}`).digest()
})

const RESERVED = ["v", "n", "at", "mac", "begin"]

/** The fields of a record as they stand in its line. Fails, in words, where they cannot stand in one. */
export const fieldsOf = (record: object): Result.Result<string, string> => {
  const reserved = RESERVED.find((name) => Object.hasOwn(record, name))
  if (reserved !== undefined) return Result.fail(`its field "${reserved}" has a name that every line uses itself`)
  const text = JSON.stringify(record)
  if (text?.startsWith("{") !== true) return Result.fail("it is no JSON object")
  const fields = text.slice(1, -1)
  const room = MAX_LINE - FRAME
  return Buffer.byteLength(fields) > room
    ? Result.fail(`it is longer than ${room} bytes`)
    : Result.succeed(fields)
}

const bodyOf = (n: number, at: number, fields: string): string =>
  `{"v":${VERSION},"n":${n},"at":"${DateTime.formatIso(DateTime.makeUnsafe(at))}"${fields === "" ? "" : ","}${fields}`

const endOf = (mac: Buffer): string => `,"mac":"${mac.toString("hex")}"}`

/** Bytes of a line behind its body, without the LF. */
const END = endOf(Buffer.alloc(32)).length

/** Bytes of the longest line that has no fields, with a comma for some. */
const FRAME = bodyOf(Number.MAX_SAFE_INTEGER, 8.64e15, "").length + 1 + END + 1

const macOf = (key: KeyObject, last: Position, body: Buffer): Buffer =>
  createHmac("sha256", key).update(last.mac).update(body).digest()

/** The line behind `last`, with its LF, and where the chain is after it. `at` in milliseconds since the epoch. */
export const writeLine = (key: KeyObject, last: Position, at: number, fields: string) => {
  const n = last.n + 1
  const body = Buffer.from(bodyOf(n, at, fields))
  const mac = macOf(key, last, body)
  return { line: Buffer.concat([body, Buffer.from(`${endOf(mac)}\n`)]), position: { n, mac } satisfies Position }
}

/** What the first record of a file says, where the ledger has older files. */
export interface Begin {
  /** The hash of the record before it, in hexadecimal: with the key, the file can be checked by itself. */
  readonly mac: string
  /** The numbers of the first records of the older files that are kept, oldest first. */
  readonly files: ReadonlyArray<number>
  /** What whoever writes the ledger wants to know without reading the older files. */
  readonly carried?: unknown
}

/** The first line of a file behind others; `last` is the last record of those. */
export const writeBegin = (key: KeyObject, last: Position, at: number, begin: Omit<Begin, "mac">) =>
  writeLine(key, last, at, `"begin":${JSON.stringify({ mac: last.mac.toString("hex"), ...begin } satisfies Begin)}`)

/** Where the chain is before a line that says so itself; not checked. */
export const startOf = (line: Buffer): Position | undefined => {
  const [, n, mac] = /^\{"v":\d{1,9},"n":(\d{1,16}),"at":"[^"]{1,32}","begin":\{"mac":"([0-9a-f]{64})"/.exec(
    line.toString("latin1", 0, 256)
  )
    ?? []
  return n === undefined || mac === undefined ? undefined : { n: Number(n) - 1, mac: Buffer.from(mac, "hex") }
}

/** A line that was checked. */
export interface Line {
  readonly position: Position
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly fields: { readonly [name: string]: unknown }
  /** Only in the first line of a file, which has no fields then. */
  readonly begin?: Begin
}

/** Why a line is not the one that belongs here; `got` is the number that it or its version says. */
export type Mismatch =
  | { readonly kind: "newer"; readonly got: number }
  | { readonly kind: "altered" }
  | { readonly kind: "elsewhere"; readonly got: number }

/** Checks the line behind `last`, without its LF. */
export const checkLine = (key: KeyObject, last: Position, line: Buffer): Result.Result<Line, Mismatch> => {
  const [, version, number] = /^\{"v":(\d{1,9}),(?:"n":(\d{1,16}),)?/.exec(line.toString("latin1", 0, 48)) ?? []
  // looked at first, because a newer line may be hashed in another way
  if (Number(version) > VERSION) return Result.fail({ kind: "newer", got: Number(version) })
  const n = last.n + 1
  const body = line.subarray(0, Math.max(0, line.length - END))
  const mac = macOf(key, last, body)
  if (!isEqual(line.subarray(body.length), Buffer.from(endOf(mac)))) {
    const got = Number(number ?? n)
    return Result.fail(got === n ? { kind: "altered" } : { kind: "elsewhere", got })
  }
  const { at, begin, mac: _mac, n: _n, v: _v, ...fields } = JSON.parse(line.toString())
  return Result.succeed({ position: { n, mac }, at: Date.parse(at), fields, ...begin !== undefined && { begin } })
}

const isEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)
