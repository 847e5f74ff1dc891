// A seal: an owner's passphrase, encrypted under a token, for one key and what the grant is for. The store alone does not open it,
// and neither does the token alone. What proves a token is derived from it in the same way, and says nothing about its seals.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto"
import { secretSlab } from "./token.ts"

/** What is kept of a token: whoever reads it can neither present it nor open anything. Hexadecimal. */
export interface Proof {
  readonly salt: string
  readonly verifier: string
}

/** A sealed passphrase. Hexadecimal. */
export interface Seal {
  readonly nonce: string
  /** The passphrase and its length, encrypted, with the tag behind it. */
  readonly box: string
}

/** What a seal is bound to: it opens for nothing else, not even with its token. */
export interface SealedFor {
  readonly grant: string
  readonly app: string
  readonly keygrip: string
  readonly operations: ReadonlyArray<string>
}

/** Longest passphrase in bytes (GnuPG agent/agent.h MAX_PASSPHRASE_LEN). */
export const MAX_PASSPHRASE = 255

/** All boxes have one size, so that they do not tell how long a passphrase is: its length in a byte, and room for the longest. */
const PLAIN = 1 + MAX_PASSPHRASE
const TAG = 16

const derive = (secret: Buffer, salt: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", secret, salt, `gripgate 1 ${purpose}`, 32))

/** What is to be kept of a token's secret. */
export const makeProof = (secret: Buffer): Proof => {
  const salt = randomBytes(16)
  return { salt: salt.toString("hex"), verifier: derive(secret, salt, "verify").toString("hex") }
}

/** Whether this is the secret of the proof; in the same time whether or not it is. */
export const proves = (secret: Buffer, { salt, verifier }: Proof): boolean => {
  const derived = derive(secret, Buffer.from(salt, "hex"), "verify")
  const expected = Buffer.from(verifier, "hex")
  return derived.length === expected.length && timingSafeEqual(derived, expected)
}

/** The key of a token's seals, which a session keeps while the token holds; whoever has it wipes it. */
export const sealKey = (secret: Buffer, { salt }: Proof): Buffer => {
  const derived = derive(secret, Buffer.from(salt, "hex"), "seal")
  const key = secretSlab(derived.length)
  derived.copy(key)
  derived.fill(0)
  return key
}

const boundTo = ({ app, grant, keygrip, operations }: SealedFor): Buffer =>
  Buffer.from(JSON.stringify([1, grant, app, keygrip, operations.toSorted()]))

/** Seals a passphrase of at most 255 bytes. */
export const sealPassphrase = (key: Buffer, passphrase: Buffer, about: SealedFor): Seal => {
  const plain = secretSlab(PLAIN)
  plain[0] = passphrase.length
  passphrase.copy(plain, 1)
  const nonce = randomBytes(12)
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(boundTo(about))
  const box = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  plain.fill(0)
  return { nonce: nonce.toString("hex"), box: box.toString("hex") }
}

/** Opens a seal into a slab, which its taker wipes; `undefined` where it was altered, or is of another grant, key or use. */
export const openSeal = (key: Buffer, seal: Seal, about: SealedFor): Buffer | undefined => {
  const box = Buffer.from(seal.box, "hex")
  if (box.length !== PLAIN + TAG) return undefined
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(seal.nonce, "hex"))
  decipher.setAAD(boundTo(about)).setAuthTag(box.subarray(PLAIN))
  const plain = decipher.update(box.subarray(0, PLAIN))
  try {
    decipher.final()
    const passphrase = secretSlab(plain[0]!)
    plain.copy(passphrase, 0, 1, 1 + passphrase.length)
    return passphrase
  } catch {
    return undefined
  } finally {
    plain.fill(0)
  }
}
