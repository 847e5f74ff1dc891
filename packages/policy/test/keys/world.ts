// Certificates and worlds for tests: what a test does not say is plain.
import { addressOf } from "@gripgate/policy/keys/address"
import type { Capability, Certificate, CertifiedKey } from "@gripgate/policy/keys/keyring"
import type { World } from "@gripgate/policy/keys/world"
import { grip } from "../read.ts"

/** A key whose keygrip, fingerprint and key id are one repeated digit, unless the fingerprint is another one. */
export const key = (digit: string, ...capabilities: ReadonlyArray<Capability>): CertifiedKey => ({
  keygrip: grip(digit),
  fingerprint: digit.repeat(40),
  keyId: digit.repeat(16),
  primary: false,
  capabilities: new Set(capabilities)
})

interface Options {
  readonly userIds?: ReadonlyArray<string>
  readonly ultimate?: boolean
  readonly primary?: CertifiedKey
}

/** A certificate of a primary key that signs and certifies, and these subkeys. */
export const certificate = (
  digit: string,
  subkeys: ReadonlyArray<CertifiedKey> = [],
  { primary = key(digit, "sign", "certify"), ultimate = false, userIds = [] }: Options = {}
): Certificate => ({
  fingerprint: primary.fingerprint,
  userIds: userIds.map((text) => {
    const address = addressOf(text)
    return { text, ...(address === undefined ? {} : { address }) }
  }),
  keys: [{ ...primary, primary: true }, ...subkeys],
  ultimate
})

/** A world of these certificates, in which the agent has the secrets of keys by their digit. */
export const worldOf = (
  certificates: ReadonlyArray<Certificate>,
  secret: string,
  made = ""
): World => ({
  certificates,
  secret: new Set([...secret].map(grip)),
  made: new Set([...made].map(grip))
})
