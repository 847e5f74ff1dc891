// Key data as it travels: AES key wrap (RFC 3394) under the key of KEYWRAP_KEY. Bytes in, bytes in a slab out; what they
// mean is not looked at.
import { createDecipheriv } from "node:crypto"
import { giveSlab, takeSlab } from "./upstream/collector.ts"

/** The initial value that RFC 3394 (2.2.3.1) fixes: what comes out has to begin with it. */
const INITIAL = Buffer.alloc(8, 0xa6)

/** What was unwrapped, and the slab that it lies in. Whoever gets it gives the slab back. */
export interface Unwrapped {
  readonly bytes: Buffer
  readonly slab: Buffer
}

/** Unwraps key data; `undefined` where it was not wrapped under this key, or is no such data. */
export const unwrap = (wrappingKey: Buffer, data: Buffer): Unwrapped | undefined => {
  // gpg-agent wants 24 bytes too (GnuPG agent/command.c cmd_import_key)
  if (data.length < 24 || data.length % 8 !== 0) return undefined
  let plain: Buffer | undefined
  try {
    // all in one `update`: this mode has no second one
    plain = createDecipheriv("id-aes128-wrap", wrappingKey, INITIAL).update(data)
  } catch {
    return undefined
  }
  const slab = takeSlab(plain.length)
  plain.copy(slab)
  plain.fill(0)
  return { bytes: slab.subarray(0, plain.length), slab }
}

/** Wipes what was unwrapped. */
export const wipe = ({ bytes, slab }: Unwrapped): void => giveSlab(slab, bytes.length)
