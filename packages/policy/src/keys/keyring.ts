// The public keyring as data: what certificates say about keys. Somebody else reads it from gpg; nothing here knows how.
import type { Keygrip } from "@gripgate/protocol/keygrip"

/** What a key may be used for, as its certificate says (RFC 9580 5.2.3.29). */
export type Capability = "sign" | "certify" | "authenticate" | "encrypt"

/** One primary key or subkey. Fingerprint and key id are upper-case hexadecimal. */
export interface CertifiedKey {
  readonly keygrip: Keygrip
  readonly fingerprint: string
  /** 16 digits. */
  readonly keyId: string
  readonly primary: boolean
  readonly capabilities: ReadonlySet<Capability>
}

/** One user id. `address` is the mail address in it, in lower case; absent where there is none, or no single one. */
export interface UserId {
  readonly text: string
  readonly address?: string
}

/** One certificate: a primary key, its subkeys and its user ids that are not revoked. */
export interface Certificate {
  readonly fingerprint: string
  readonly userIds: ReadonlyArray<UserId>
  /** The primary key first. */
  readonly keys: ReadonlyArray<CertifiedKey>
  /** Whether the owner trusts it ultimately, as GnuPG sets it for the keys that were made here. */
  readonly ultimate: boolean
}
