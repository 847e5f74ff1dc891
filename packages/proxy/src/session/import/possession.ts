// Whether the secret parts of a key belong to its public parts, so that whoever sent it has the key. gpg-agent does not look:
// with --unattended it files whatever comes under the keygrip of the public parts (GnuPG agent/cvt-openpgp.c).
import { pointOf } from "./curve.ts"
import { isStandard, numberOf, powerOf } from "./number.ts"
import type { SecretKey } from "./secret-key.ts"

/** Bits of a modulus whose powers are computed here: 4096 take some 50 ms of everybody's time, and gpg makes none longer. */
const MAX_POWER = 4096

type Parts<Kind extends SecretKey["kind"]> = Extract<SecretKey, { kind: Kind }>["parts"]

/**
 * The public value of a key that is proven: n, y or q, in the spelling of the agent's own answers. `undefined` where nothing is
 * proven, for whatever reason.
 */
export const provenValue = (key: SecretKey): Buffer | undefined => {
  switch (key.kind) {
    case "rsa":
      return allStandard(key.parts) && isRsa(key.parts) ? Buffer.from(key.parts.n) : undefined
    case "dsa":
      return allStandard(key.parts) && isPower(key.parts, numberOf(key.parts.q)) ? Buffer.from(key.parts.y) : undefined
    case "elg":
      return allStandard(key.parts) && isPower(key.parts, numberOf(key.parts.p)) ? Buffer.from(key.parts.y) : undefined
    case "ecc": {
      const point = pointOf(key.curve, key.parts.d)
      return point !== undefined && point.equals(key.parts.q) ? point : undefined
    }
  }
}

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

/** y = g^x modulo p, with x below `order`. */
const isPower = ({ g, p, x, y }: Pick<Parts<"dsa">, "p" | "g" | "x" | "y">, order: bigint): boolean => {
  if (8 * (p.length - 1) > MAX_POWER) return false
  const [base, modulus, exponent] = [numberOf(g), numberOf(p), numberOf(x)]
  if (base <= 1n || base >= modulus || exponent >= order || order > modulus) return false
  return powerOf(base, exponent, modulus) === numberOf(y)
}
