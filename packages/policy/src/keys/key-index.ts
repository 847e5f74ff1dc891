// The certificates of a world by everything that a selector goes by, made once for all selectors, and what they say about a
// single key.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Capability, Certificate, CertifiedKey } from "./keyring.ts"
import { isOwn } from "./ownership.ts"
import type { World } from "./world.ts"

/** A key where it stands. */
export interface Holding {
  readonly key: CertifiedKey
  readonly certificate: Certificate
  /** Whether the certificate is the owner's. */
  readonly own: boolean
}

/** What is known of a key by its certificate. */
export interface Known {
  readonly fingerprint: string
  readonly keyId: string
  /** The first user id of the certificate, as it stands there: not harmless to show. */
  readonly userId?: string
  /** `undefined` where no certificate of the owner's holds the key, or two do: each could say something else. */
  readonly capabilities: ReadonlySet<Capability> | undefined
}

/** A world, ready for looking up. */
export interface KeyIndex {
  readonly world: World
  readonly ofGrip: (keygrip: Keygrip) => ReadonlyArray<Holding>
  /** A fingerprint, or a key id of 16 digits. */
  readonly ofDigits: (digits: string) => ReadonlyArray<Holding>
  readonly ofAddress: (address: string) => ReadonlyArray<Certificate>
  /** The certificate by the fingerprint of its primary key. */
  readonly certificate: (fingerprint: string) => Certificate | undefined
  readonly isOwn: (certificate: Certificate) => boolean
  readonly known: (keygrip: Keygrip) => Known | undefined
}

const none: ReadonlyArray<never> = []

/** Makes the index; takes time by the number of keys and user ids. */
export const makeKeyIndex = (world: World): KeyIndex => {
  const certificates = new Map<string, Certificate>()
  const grips = new Map<string, Array<Holding>>()
  const digits = new Map<string, Array<Holding>>()
  const addresses = new Map<string, Array<Certificate>>()
  const own = new Set<Certificate>()
  // one that stands in two keyring files is listed twice
  for (const certificate of world.certificates ?? none) {
    const before = certificates.get(certificate.fingerprint)
    certificates.set(certificate.fingerprint, before === undefined ? certificate : merged(before, certificate))
  }
  for (const certificate of certificates.values()) {
    if (isOwn(certificate, world)) own.add(certificate)
    for (const key of certificate.keys) {
      const holding = { key, certificate, own: own.has(certificate) }
      add(grips, key.keygrip, holding)
      add(digits, key.fingerprint, holding)
      add(digits, key.keyId, holding)
    }
    const mentioned = new Set(certificate.userIds.flatMap(({ address }) => address ?? none))
    for (const address of mentioned) add(addresses, address, certificate)
  }
  const ofGrip = (keygrip: Keygrip) => grips.get(keygrip) ?? none
  return {
    world,
    ofGrip,
    ofDigits: (text) => digits.get(text) ?? none,
    ofAddress: (address) => addresses.get(address) ?? none,
    certificate: (fingerprint) => certificates.get(fingerprint),
    isOwn: (certificate) => own.has(certificate),
    known: (keygrip) => knownOf(ofGrip(keygrip))
  }
}

/**
 * What the keyring says about a key. The owner's certificate counts. Where no such one holds the key, the only one that does
 * gives it a name, but no purpose: anybody can make a certificate around any public key.
 */
export const keyIndex = (world: World): (keygrip: Keygrip) => Known | undefined => makeKeyIndex(world).known

const knownOf = (holdings: ReadonlyArray<Holding>): Known | undefined => {
  const own = holdings.filter((holding) => holding.own)
  const believed = own.length > 0 ? own : holdings
  const [first] = believed
  if (first === undefined) return undefined
  const single = believed.every(({ certificate }) => certificate === first.certificate)
  if (!single && own.length === 0) return undefined
  const userId = first.certificate.userIds[0]?.text
  return {
    fingerprint: first.key.fingerprint,
    keyId: first.key.keyId,
    ...(userId === undefined ? {} : { userId }),
    // one key can stand in a certificate twice, for two purposes
    capabilities: single && own.length > 0 ? new Set(believed.flatMap(({ key }) => [...key.capabilities])) : undefined
  }
}

const merged = (a: Certificate, b: Certificate): Certificate => {
  const isNew = (key: CertifiedKey) =>
    !a.keys.some(({ fingerprint, keygrip }) => fingerprint === key.fingerprint && keygrip === key.keygrip)
  const texts = new Set(a.userIds.map(({ text }) => text))
  return {
    fingerprint: a.fingerprint,
    userIds: [...a.userIds, ...b.userIds.filter(({ text }) => !texts.has(text))],
    keys: [...a.keys, ...b.keys.filter(isNew)],
    ultimate: a.ultimate || b.ultimate
  }
}

const add = <T>(map: Map<string, Array<T>>, key: string, value: T): void => {
  const there = map.get(key)
  if (there === undefined) map.set(key, [value])
  else there.push(value)
}
