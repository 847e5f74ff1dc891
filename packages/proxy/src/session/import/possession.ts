// Whether the secret parts of a key belong to its public parts, so that whoever sent it has the key. gpg-agent does not look:
// with --unattended it files whatever comes under the keygrip of the public parts (GnuPG agent/cvt-openpgp.c).
import type { PublicKey } from "../own-keys.ts"
import { pointOf } from "./curve.ts"
import { isStandard, numberOf } from "./number.ts"
import type { SecretKey } from "./secret-key.ts"

type Parts<Kind extends SecretKey["kind"]> = Extract<SecretKey, { kind: Kind }>["parts"]

/**
 * The public key whose secret part is proven, in the spelling of the agent's own answers. `undefined` where nothing is proven,
 * for whatever reason. Of DSA and Elgamal nothing is: whoever chooses the group can make a key with any public value.
 */
export const provenKey = (key: SecretKey): PublicKey | undefined => {
  switch (key.kind) {
    case "rsa": {
      const { e, n } = key.parts
      return allStandard(key.parts) && isRsa(key.parts) ? publicOf("rsa", { n, e }) : undefined
    }
    case "ecc": {
      const point = pointOf(key.curve, key.parts.d)
      return point !== undefined && point.equals(key.parts.q) ? publicOf("ecc", { q: point }) : undefined
    }
    default:
      return undefined
  }
}

const publicOf = (family: string, parts: Record<string, Uint8Array>): PublicKey => ({
  family,
  parts: new Map(Object.entries(parts).map(([name, value]) => [name, Buffer.from(value)]))
})

const allStandard = (parts: Record<string, Uint8Array>): boolean => Object.values(parts).every(isStandard)

/**
 * n = pq, de = 1 modulo p - 1 and q - 1, up = 1 modulo q. Nobody who does not have the key knows factors of n.
 *
 * The keygrip of an RSA key is the hash of n alone, that of others the hash of a text with their parts (libgcrypt
 * cipher/rsa.c, dsa.c, ecc.c). Such a text, read as n, would have small factors more often than not, and the keygrip of a
 * key that the client need not have. So the first bit of n must be set, as generators set it: a zero stands before it then.
 */
const isRsa = (parts: Parts<"rsa">): boolean => {
  if (parts.n[0] !== 0) return false
  const [p, q] = [numberOf(parts.p), numberOf(parts.q)]
  if (p <= 2n || q <= 2n || p * q !== numberOf(parts.n)) return false
  const de = numberOf(parts.d) * numberOf(parts.e)
  return de % (p - 1n) === 1n && de % (q - 1n) === 1n && numberOf(parts.u) * p % q === 1n
}
