// Reads the lines of a ledger from its first file on, and goes on as it grows, also into files that come later. It holds a
// piece of one file and no more. Its border: nothing is checked here, verify.ts does that.
import type { FileHandle } from "node:fs/promises"
import { fileInPlace, type LedgerFiles, openFiles } from "./files.ts"

/** A line as it stands. */
export interface RawLine {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Without its LF. */
  readonly text: string
}

interface Part {
  readonly file: string
  readonly handle: FileHandle
  readonly first: number
}

const CHUNK = 256 * 1024
const LF = 0x0a

export class LedgerReader implements AsyncDisposable {
  private readonly file: string
  private files: LedgerFiles | undefined
  /** What is still to be read, the file that is being read first. */
  private parts: Array<Part> = []
  private offset = 0
  private line = 1
  private held: Buffer = Buffer.alloc(0)
  private readonly chunk = Buffer.allocUnsafe(CHUNK)
  /** Older files that were to be there. */
  readonly missing: Array<string> = []

  constructor(file: string) {
    this.file = file
  }

  /** Some more lines; `undefined` where there are none by now. A line that is not finished, or never was written, is none. */
  async next(): Promise<ReadonlyArray<RawLine> | undefined> {
    if (this.files === undefined && !(await this.reopen(0))) return undefined
    for (;;) {
      const part = this.parts[0]!
      // before it is read to its end: whatever comes later is in a newer file
      const isLast = this.parts.length > 1 ? undefined : await fileInPlace(this.file, part.handle)
      const { bytesRead } = await part.handle.read(this.chunk, 0, CHUNK, this.offset)
      if (bytesRead > 0) {
        this.offset += bytesRead
        const lines = this.split(part.file, this.chunk.subarray(0, bytesRead))
        if (lines.length > 0) return lines
        continue
      }
      if (isLast === true) return undefined
      if (isLast === undefined) this.enter(this.parts.slice(1))
      else if (!(await this.reopen(part.first + 1))) return undefined
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.files?.[Symbol.asyncDispose]()
    this.files = undefined
  }

  /** Goes on with the files whose first record is not before this number; false where there are none. */
  private async reopen(from: number): Promise<boolean> {
    const files = await openFiles(this.file)
    const all = [...files.older, { file: this.file, handle: files.handle, first: files.first }]
    const rest = all.filter(({ first }) => first >= from)
    const parts = rest.flatMap(({ file, first, handle }) => handle === undefined ? [] : [{ file, first, handle }])
    for (const { file, handle } of files.older) if (handle === undefined && from === 0) this.missing.push(file)
    if (parts.length === 0) {
      await files[Symbol.asyncDispose]()
      return false
    }
    await this.files?.[Symbol.asyncDispose]()
    this.files = files
    this.enter(parts)
    return true
  }

  private enter(parts: Array<Part>): void {
    this.parts = parts
    this.offset = 0
    this.line = 1
    this.held = Buffer.alloc(0)
  }

  private split(file: string, bytes: Buffer): ReadonlyArray<RawLine> {
    const lines: Array<RawLine> = []
    const all = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes])
    let from = 0
    for (let lf; (lf = all.indexOf(LF, from)) >= 0; from = lf + 1) {
      const text = all.toString("utf8", from, lf)
      // a NUL stands in no line that was written to its end
      if (!text.includes("\0")) lines.push({ file, line: this.line, text })
      this.line++
    }
    // what is longer than any line is none, and is not kept whole
    this.held = Buffer.from(all.length - from > CHUNK ? all.subarray(from, from + CHUNK) : all.subarray(from))
    return lines
  }
}
