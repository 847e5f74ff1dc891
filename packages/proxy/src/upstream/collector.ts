// The memory in which an agent's answer is put together. Answers hold session keys and passphrases, so they lie in slabs
// of 4 KiB and more, which are wiped before anybody else gets them and never in Node's shared pool.

const SLAB = 4096
const LF = 10

/** Slabs of the usual size that are free, wiped. A few are enough: a session holds one only during a turn. */
const free: Array<Buffer> = []
const MAX_FREE = 64

/** A buffer that holds nothing of anybody, at least `size` bytes. */
export const takeSlab = (size = SLAB): Buffer =>
  (size <= SLAB ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(SLAB, size))

/** Gives a buffer back; `used` bytes of it are wiped. */
export const giveSlab = (slab: Buffer, used = slab.length): void => {
  slab.fill(0, 0, used)
  if (slab.length === SLAB && free.length < MAX_FREE) free.push(slab)
}

/** What was collected, in its slab, which whoever has it gives back. */
export interface Taken {
  readonly bytes: Buffer
  readonly slab: Buffer
}

/** Lines one behind the other, each with its LF, as they will be sent. */
export class Collector {
  length = 0
  private slab: Buffer | undefined
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** Appends bytes; false where the limit would be passed. */
  append(bytes: Uint8Array, lineFeed = false): boolean {
    const needed = this.length + bytes.length + 1
    if (needed > this.limit) return false
    let slab = this.slab ??= takeSlab(needed)
    if (slab.length < needed) {
      const larger = takeSlab(2 * needed)
      slab.copy(larger, 0, 0, this.length)
      giveSlab(slab, this.length)
      this.slab = slab = larger
    }
    slab.set(bytes, this.length)
    this.length += bytes.length
    if (lineFeed) slab[this.length++] = LF
    return true
  }

  /** What has been collected: a view that is good until the next change. */
  get bytes(): Buffer {
    return this.slab === undefined ? Buffer.alloc(0) : this.slab.subarray(0, this.length)
  }

  /** Hands the bytes over together with their slab, which the taker gives back, and starts anew. */
  take(): Taken | undefined {
    if (this.slab === undefined) return undefined
    const taken = { bytes: this.bytes, slab: this.slab }
    this.slab = undefined
    this.length = 0
    return taken
  }

  /** Wipes and forgets. */
  clear(): void {
    if (this.slab !== undefined) giveSlab(this.slab, this.length)
    this.slab = undefined
    this.length = 0
  }
}
