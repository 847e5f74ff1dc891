// Key wrapping over several agents. A client has the wrapping key of one agent, and exports keys of any: what another exports is
// unwrapped and wrapped anew (RFC 3394). Keys lie in slabs, and are wiped.
import { encodeDataLines } from "@gripgate/protocol/escape"
import { createCipheriv } from "node:crypto"
import { unwrap, wipe } from "../../key-wrap.ts"
import { giveSlab, takeSlab } from "../collector.ts"
import { dataOf } from "./lists.ts"

/** The length of a wrapping key, in bytes: AES-128 (GnuPG agent/command.c, cmd_keywrap_key). */
const LENGTH = 16

const INITIAL = Buffer.alloc(8, 0xa6)

/** A wrapping key, out of the answer to KEYWRAP_KEY. */
export class WrappingKey {
  private readonly slab: Buffer

  private constructor(slab: Buffer) {
    this.slab = slab
  }

  /** The key in the lines of an answer; `undefined` where they hold none. */
  static in(lines: Buffer): WrappingKey | undefined {
    const data = dataOf(lines)
    if (data.length !== LENGTH) return undefined
    const slab = takeSlab()
    data.copy(slab)
    data.fill(0)
    return new WrappingKey(slab)
  }

  get bytes(): Buffer {
    return this.slab.subarray(0, LENGTH)
  }

  wipe(): void {
    giveSlab(this.slab, LENGTH)
  }
}

/** The D lines of an answer, wrapped under `to` instead of `from`; `undefined` where they are not wrapped under `from`. */
export const wrappedAnew = (lines: Buffer, from: WrappingKey, to: WrappingKey): Buffer | undefined => {
  const plain = unwrap(from.bytes, dataOf(lines))
  if (plain === undefined) return undefined
  try {
    return encodeDataLines(createCipheriv("id-aes128-wrap", to.bytes, INITIAL).update(plain.bytes))
  } finally {
    wipe(plain)
  }
}
