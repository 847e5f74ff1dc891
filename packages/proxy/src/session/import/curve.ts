// Points of elliptic curves from their secrets, by node's crypto. Its key objects hold copies of a secret that cannot be wiped
// here; they are local to a call.
import { createECDH, createPrivateKey, createPublicKey } from "node:crypto"
import { giveSlab, takeSlab } from "../../upstream/collector.ts"

/** Derives the public point in the agent's spelling from a secret; throws, or gives `undefined`, for a secret that is none. */
type Derive = (secret: Uint8Array) => Buffer | undefined

/** `04` and both coordinates. The secret is a big-endian number. */
const weierstrass = (name: string): Derive => (secret) => {
  const ecdh = createECDH(name)
  ecdh.setPrivateKey(secret)
  return ecdh.getPublicKey()
}

interface Rfc8410 {
  /** The DER of a private key (RFC 8410, RFC 5208) up to the secret. */
  readonly der: string
  /** Bytes of a secret, and of a point. */
  readonly size: number
  /** The point is spelt with a leading `40` (GnuPG doc/DETAILS, RFC 9580 11.2). */
  readonly prefix: boolean
  /** The secret is spelt as a big-endian number, and the curve's own form is little-endian. */
  readonly reversed: boolean
}

const rfc8410 = ({ der, prefix, reversed, size }: Rfc8410): Derive => {
  const start = Buffer.from(der, "hex")
  return (secret) => {
    // as a number it has lost its leading zeros, or got one in front of the sign bit
    let from = 0
    while (secret.length - from > size && secret[from] === 0) from++
    const given = secret.subarray(from)
    if (given.length > size) return undefined
    const slab = takeSlab()
    const length = start.length + size
    slab.fill(0, 0, length)
    start.copy(slab)
    slab.set(given, length - given.length)
    if (reversed) slab.subarray(start.length, length).reverse()
    try {
      const key = createPrivateKey({ key: slab.subarray(0, length), format: "der", type: "pkcs8" })
      const info = createPublicKey(key).export({ format: "der", type: "spki" })
      const point = info.subarray(info.length - size)
      return prefix ? Buffer.concat([PREFIX, point]) : point
    } finally {
      giveSlab(slab, length)
    }
  }
}

const PREFIX = Buffer.from([0x40])

/** By the names of GnuPG (common/openpgp-oid.c); libgcrypt takes other spellings, which gpg does not send. */
const curves: ReadonlyMap<string, Derive> = new Map([
  ["NIST P-256", weierstrass("prime256v1")],
  ["NIST P-384", weierstrass("secp384r1")],
  ["NIST P-521", weierstrass("secp521r1")],
  ["brainpoolP256r1", weierstrass("brainpoolP256r1")],
  ["brainpoolP384r1", weierstrass("brainpoolP384r1")],
  ["brainpoolP512r1", weierstrass("brainpoolP512r1")],
  ["secp256k1", weierstrass("secp256k1")],
  ["Ed25519", rfc8410({ der: "302e020100300506032b657004220420", size: 32, prefix: true, reversed: false })],
  ["Curve25519", rfc8410({ der: "302e020100300506032b656e04220420", size: 32, prefix: true, reversed: true })],
  ["Ed448", rfc8410({ der: "3047020100300506032b6571043b0439", size: 57, prefix: false, reversed: false })],
  ["X448", rfc8410({ der: "3046020100300506032b656f043a0438", size: 56, prefix: false, reversed: false })]
])

/** The public point of a secret; `undefined` for a curve that is not known, and for what is no secret of it. */
export const pointOf = (curve: string, secret: Uint8Array): Buffer | undefined => {
  try {
    return curves.get(curve)?.(secret)
  } catch {
    return undefined
  }
}
