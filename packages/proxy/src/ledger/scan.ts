// Goes through one file of a ledger, line by line, and checks its chain. What a crash leaves at the end is told from
// damage here. Its border: whether records are missing at the end only the head can say, or the next file.
import * as Result from "effect/Result"
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { newerError } from "./ledger-error.ts"
import {
  type Begin,
  checkLine,
  genesis,
  type Line,
  MAX_LINE,
  type Mismatch,
  type Position,
  startOf,
  VERSION
} from "./record.ts"

/** The first thing that is wrong with a ledger. */
export interface Damage {
  readonly kind: "missing" | "altered" | "reordered" | "cut off"
  /** In the file that the message names, counted from 1; `undefined` where it is not about a line. */
  readonly line: number | undefined
  /** What is wrong, and where. */
  readonly message: string
}

export interface Scanned {
  /** In front of its first record. */
  readonly start: Position
  /** What its first record says of older files. */
  readonly begin?: Begin
  /** Behind the last good record. */
  readonly position: Position
  /** Where the last good record ends, in bytes. */
  readonly end: number
  /** Whether something that was never finished follows it. */
  readonly torn: boolean
  readonly damage?: Damage
}

const CHUNK = 4 * MAX_LINE
const LF = 0x0a

/** `last` is where the files before it end; without it, the file is checked by itself. `visit` gets each good line, in order. */
export const scan = async (
  { file, handle, key, last, name }: {
    readonly file: string
    readonly handle: FileHandle
    readonly key: KeyObject
    readonly name: string
    readonly last?: Position | undefined
  },
  visit: (line: Line) => void
): Promise<Scanned> => {
  const chunk = Buffer.allocUnsafe(CHUNK)
  let start = last ?? genesis(key, name)
  let position = start
  let begin: Begin | undefined
  let end = 0
  const result = (torn: boolean, damage?: Damage): Scanned => ({
    start,
    position,
    end,
    torn,
    ...begin !== undefined && { begin },
    ...damage !== undefined && { damage }
  })
  for (let held = 0;;) {
    const { bytesRead } = await handle.read(chunk, held, CHUNK - held, end + held)
    if (bytesRead === 0) return result(held > 0)
    const bytes = chunk.subarray(0, held + bytesRead)
    let from = 0
    for (let lf; (lf = bytes.indexOf(LF, from)) >= 0; from = lf + 1) {
      const line = bytes.subarray(from, lf)
      if (end === 0 && last === undefined) position = start = startOf(line) ?? start
      const checked = checkLine(key, position, line)
      const place = { line: position.n + 1 - start.n, record: position.n + 1 }
      if (Result.isFailure(checked)) {
        if (isUnwritten(line)) return result(true)
        return result(false, await damageOf(file, handle, place, end, checked.failure))
      }
      const good = checked.success
      if (good.begin !== undefined) {
        if (end > 0) return result(false, twoFiles(file, place.line))
        ;({ begin } = good)
      }
      ;({ position } = good)
      end += line.length + 1
      visit(good)
    }
    bytes.copyWithin(0, from)
    held = bytes.length - from
    if (held < MAX_LINE) continue
    if (isUnwritten(bytes.subarray(0, held))) return result(true)
    const line = position.n + 1 - start.n
    const message = `${file}:${line}: expected a line of at most ${MAX_LINE} bytes, got a longer one`
    return result(false, { kind: "altered", line, message })
  }
}

const twoFiles = (file: string, line: number): Damage => ({
  kind: "reordered",
  line,
  message: `${file}:${line}: another file of the ledger begins here, in the middle of this one`
})

/**
 * No line has a NUL in it. One that has was never durable, nor was anything behind it: a file system may make a file longer
 * before it writes the blocks, and not in order.
 */
const isUnwritten = (line: Buffer): boolean => line.includes(0)

const damageOf = async (
  file: string,
  handle: FileHandle,
  { line, record }: { readonly line: number; readonly record: number },
  start: number,
  mismatch: Mismatch
): Promise<Damage> => {
  const where = `${file}:${line}`
  if (mismatch.kind === "newer") throw newerError(where, VERSION, mismatch.got)
  if (mismatch.kind === "altered") {
    const key = line === 1 ? ", or chain.key is not the key that it was written with" : ""
    return { kind: "altered", line, message: `${where}: record ${record} is not as it was written${key}` }
  }
  const instead = `${where}: expected record ${record}, got record ${mismatch.got}`
  if (mismatch.got < record) {
    return { kind: "reordered", line, message: `${instead}: it is here twice, or out of order` }
  }
  const rest = Buffer.alloc(Math.max(0, (await handle.stat()).size - start))
  await handle.read(rest, 0, rest.length, start)
  return rest.includes(`\n{"v":1,"n":${record},`)
    ? { kind: "reordered", line, message: `${instead}: records are out of order` }
    : { kind: "missing", line, message: `${instead}: records are missing in between` }
}
