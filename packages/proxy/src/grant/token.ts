// A token, `gg1-ID-SECRET-CHECK`: what proves a grant. It is bytes and never a string, made in a slab, and shown once. The check
// tells the owner a slip of the pen from a token that was taken back; it says nothing about the secret.
import { createHash, randomFillSync, timingSafeEqual } from "node:crypto"
import { ALPHABET, SHORT_ID_LENGTH } from "../short-id.ts"

const START = Buffer.from("gg1-")
const DASH = 0x2d

/** Characters of the secret: 27 of 30 are 132 bits. */
const SECRET = 27
const CHECK = 4

/** Where the parts of a token lie. */
const ID_AT = START.length
const SECRET_AT = ID_AT + SHORT_ID_LENGTH + 1
const CHECK_AT = SECRET_AT + SECRET + 1

/** Bytes of a token. */
export const TOKEN_LENGTH = CHECK_AT + CHECK

/** The secrets of this size lie in memory of their own, which is wiped: below 64 bytes Node's buffers are moved and copied. */
const SLAB = 4096

const letters = Buffer.from(ALPHABET, "latin1")

/** A buffer that nobody shares. */
export const secretSlab = (length: number): Buffer =>
  Buffer.allocUnsafeSlow(Math.max(SLAB, length)).fill(0).subarray(0, length)

/** A fresh token for a grant; whoever has shown it wipes it. `random` fills a buffer. */
export const makeToken = (id: string, random: (bytes: Buffer) => unknown = randomFillSync): Buffer => {
  const token = secretSlab(TOKEN_LENGTH)
  START.copy(token)
  token.write(id, ID_AT, "latin1")
  token[SECRET_AT - 1] = token[CHECK_AT - 1] = DASH
  const bytes = secretSlab(64)
  for (let at = SECRET_AT; at < CHECK_AT - 1;) {
    random(bytes)
    // 240 is the largest multiple of 30 that a byte can be: above, some letters would come more often
    for (const byte of bytes) if (byte < 240 && at < CHECK_AT - 1) token[at++] = letters[byte % letters.length]!
  }
  bytes.fill(0)
  checkOf(token).copy(token, CHECK_AT)
  return token
}

/** What a client presented, taken apart; the buffers are views of it. */
export interface PresentedToken {
  /** The name of the grant: no secret. */
  readonly id: string
  readonly secret: Buffer
  /** Whether the check fits: else somebody mistyped it. */
  readonly sound: boolean
}

/** Takes a token apart; letters may be in either case, and are made large where they lie. `undefined` for what is none. */
export const readToken = (bytes: Buffer): PresentedToken | undefined => {
  if (bytes.length !== TOKEN_LENGTH || !START.equals(bytes.subarray(0, START.length))) return undefined
  if (bytes[SECRET_AT - 1] !== DASH || bytes[CHECK_AT - 1] !== DASH) return undefined
  for (let at = ID_AT; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (at === SECRET_AT - 1 || at === CHECK_AT - 1) continue
    if (byte >= 0x61 && byte <= 0x7a) bytes[at] = byte - 0x20
    if (!letters.includes(bytes[at]!)) return undefined
  }
  return {
    id: bytes.toString("latin1", ID_AT, SECRET_AT - 1),
    secret: bytes.subarray(SECRET_AT, CHECK_AT - 1),
    sound: timingSafeEqual(checkOf(bytes), bytes.subarray(CHECK_AT))
  }
}

/** Four letters of a hash of what stands before them. */
const checkOf = (token: Buffer): Buffer => {
  const digest = createHash("sha256").update("gripgate token 1 ").update(token.subarray(0, CHECK_AT - 1)).digest()
  let number = digest.readUInt32BE()
  const check = Buffer.alloc(CHECK)
  for (let at = 0; at < CHECK; at++) {
    check[at] = letters[number % letters.length]!
    number = Math.floor(number / letters.length)
  }
  return check
}
