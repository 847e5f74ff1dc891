// Goes through the file of a ledger, line by line, and checks its chain. What a crash leaves at the end is told from
// damage here. Its border: whether records are missing at the end only the head can say.
import * as Result from "effect/Result"
import type { KeyObject } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { newerError } from "./ledger-error.ts"
import { checkLine, genesis, type Line, MAX_LINE, type Mismatch, type Position, VERSION } from "./record.ts"

/** The first thing that is wrong with a ledger. */
export interface Damage {
  readonly kind: "missing" | "altered" | "reordered" | "cut off"
  /** Counts from 1; `undefined` where it is not about a line. */
  readonly line: number | undefined
  /** What is wrong, and where. */
  readonly message: string
}

export interface Scanned {
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

/** `visit` gets each good line, in order; what it throws ends the scan. */
export const scan = async (
  { file, handle, key, name }: {
    readonly file: string
    readonly handle: FileHandle
    readonly key: KeyObject
    readonly name: string
  },
  visit: (line: Line) => void
): Promise<Scanned> => {
  const chunk = Buffer.allocUnsafe(CHUNK)
  let position = genesis(key, name)
  let end = 0
  for (let held = 0;;) {
    const { bytesRead } = await handle.read(chunk, held, CHUNK - held, end + held)
    if (bytesRead === 0) return { position, end, torn: held > 0 }
    const bytes = chunk.subarray(0, held + bytesRead)
    let from = 0
    for (let lf; (lf = bytes.indexOf(LF, from)) >= 0; from = lf + 1) {
      const line = bytes.subarray(from, lf)
      const checked = checkLine(key, position, line)
      if (Result.isFailure(checked)) {
        if (isUnwritten(line)) return { position, end, torn: true }
        const damage = await damageOf(file, handle, position.n + 1, end, checked.failure)
        return { position, end, torn: false, damage }
      }
      ;({ position } = checked.success)
      end += line.length + 1
      visit(checked.success)
    }
    bytes.copyWithin(0, from)
    held = bytes.length - from
    if (held < MAX_LINE) continue
    if (isUnwritten(bytes.subarray(0, held))) return { position, end, torn: true }
    const message = `${file}:${position.n + 1}: expected a line of at most ${MAX_LINE} bytes, got a longer one`
    return { position, end, torn: false, damage: { kind: "altered", line: position.n + 1, message } }
  }
}

/**
 * No line has a NUL in it. One that has was never durable, nor was anything behind it: a file system may make a file longer
 * before it writes the blocks, and not in order.
 */
const isUnwritten = (line: Buffer): boolean => line.includes(0)

const damageOf = async (
  file: string,
  handle: FileHandle,
  line: number,
  start: number,
  mismatch: Mismatch
): Promise<Damage> => {
  const where = `${file}:${line}`
  if (mismatch.kind === "newer") throw newerError(where, VERSION, mismatch.got)
  if (mismatch.kind === "altered") {
    const key = line === 1 ? ", or chain.key is not the key that it was written with" : ""
    return { kind: "altered", line, message: `${where}: record ${line} is not as it was written${key}` }
  }
  const instead = `${where}: expected record ${line}, got record ${mismatch.got}`
  if (mismatch.got < line) return { kind: "reordered", line, message: `${instead}: it is here twice, or out of order` }
  const rest = Buffer.alloc(Math.max(0, (await handle.stat()).size - start))
  await handle.read(rest, 0, rest.length, start)
  return rest.includes(`\n{"v":1,"n":${line},`)
    ? { kind: "reordered", line, message: `${instead}: records are out of order` }
    : { kind: "missing", line, message: `${instead}: records are missing in between` }
}
