// Bytes to lines. A chunk is never a line: clients and agents write one line in two writes, and ten in one.
// Nothing is interpreted here but LF, one CR before it, and the limits; a reader that has failed stays failed.
import { MAX_LINE_IN, MAX_PENDING } from "./limits.ts"

/** Why a reader has failed. Both are violations of the protocol: the peer cannot be understood any more. */
export type FramingFault = "line too long" | "too much sent early"

const nothing = Buffer.alloc(0)

const LF = 10
const CR = 13

/** The least that is allocated for bytes that wait: small buffers lie on V8's own heap, are moved, and leave copies. */
const SLAB = 4096

/**
 * Collects chunks and gives out lines, without LF and without one CR before it (libassuan assuan-buffer.c).
 * At most `maxLine` bytes a line and `maxPending` bytes that nobody has asked for; beyond that `fault` says why and no
 * further line comes.
 */
export class LineReader {
  fault: FramingFault | undefined
  private buffer: Buffer = nothing
  private start = 0
  private end = 0
  private owned = false
  private readonly maxLine: number
  private readonly maxPending: number

  constructor(maxLine: number = MAX_LINE_IN, maxPending: number = MAX_PENDING) {
    this.maxLine = maxLine
    this.maxPending = maxPending
  }

  /** Bytes that have come and are not yet given out. */
  get pending(): number {
    return this.end - this.start
  }

  /**
   * Takes a chunk over: it may be read from later and overwritten, so the caller must not keep it. Bytes that are
   * copied are wiped where they lay, since they may be part of a secret.
   */
  push(chunk: Buffer): void {
    if (this.fault !== undefined) return
    const pending = this.end - this.start
    if (pending === 0) {
      this.buffer = chunk
      this.owned = false
      this.start = 0
      this.end = chunk.length
    } else {
      if (pending + chunk.length > this.maxPending) return this.fail("too much sent early")
      if (!this.owned || this.buffer.length - this.end < chunk.length) this.grow(pending, chunk.length)
      chunk.copy(this.buffer, this.end)
      chunk.fill(0)
      this.end += chunk.length
    }
    if (this.end - this.start > this.maxPending) this.fail("too much sent early")
  }

  /**
   * The next whole line, or `undefined` when there is none. The line is a view of the reader's own memory: it is good
   * until the next `push`, and whoever has used up a secret in it may overwrite it in place.
   */
  next(): Buffer | undefined {
    if (this.fault !== undefined || this.start === this.end) return undefined
    const stop = this.buffer.indexOf(LF, this.start)
    if (stop < 0 || stop >= this.end) {
      if (this.end - this.start > this.maxLine) this.fail("line too long")
      return undefined
    }
    const from = this.start
    if (stop - from > this.maxLine) {
      this.fail("line too long")
      return undefined
    }
    this.start = stop + 1
    const line = this.buffer.subarray(from, stop > from && this.buffer[stop - 1] === CR ? stop - 1 : stop)
    // nothing waits any more: an idle connection is not to keep the memory of what it said last
    if (this.start === this.end) this.release()
    return line
  }

  /** Overwrites what waits and gives nothing more out. */
  wipe(): void {
    this.buffer.fill(0, this.start, this.end)
    this.start = this.end = 0
  }

  private release(): void {
    this.buffer = nothing
    this.owned = false
    this.start = this.end = 0
  }

  private grow(pending: number, more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB, 2 * (pending + more)))
    this.buffer.copy(larger, 0, this.start, this.end)
    this.buffer.fill(0, this.start, this.end)
    this.buffer = larger
    this.owned = true
    this.start = 0
    this.end = pending
  }

  private fail(fault: FramingFault): void {
    this.fault = fault
    this.wipe()
  }
}
