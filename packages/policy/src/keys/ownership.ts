// Which certificates are the owner's. Anybody can make one with the owner's name and address in it and with his public keys
// as its subkeys, and have it imported; only the secret of the primary key, or the owner's own word, says whose it is.
import type { Certificate, CertifiedKey } from "./keyring.ts"
import type { World } from "./world.ts"

/** The primary key; absent where gpg gave it no keygrip. */
export const primaryKey = ({ keys }: Certificate): CertifiedKey | undefined => keys.find((key) => key.primary)

/**
 * Whether a certificate is the owner's: the agent has the secret of its primary key, or it is trusted ultimately. Never where
 * an app made the primary key or brought it in.
 */
export const isOwn = (certificate: Certificate, { made, secret }: World): boolean => {
  const primary = primaryKey(certificate)
  if (primary !== undefined && made.has(primary.keygrip)) return false
  return certificate.ultimate || (primary !== undefined && secret?.has(primary.keygrip) === true)
}

/** Why a certificate is not the owner's, for people. */
export const whyNotOwn = (certificate: Certificate, { made, secret }: World): string => {
  const primary = primaryKey(certificate)
  if (primary !== undefined && made.has(primary.keygrip)) return "an app made its primary key or brought it in"
  return secret === undefined
    ? "it is not ultimately trusted, and the agent does not tell whether it has the secret of its primary key"
    : "the agent does not have the secret of its primary key, and it is not ultimately trusted"
}
