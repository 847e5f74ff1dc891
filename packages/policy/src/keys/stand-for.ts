// What one selector stands for, wherever it is written: keys, or why none, and what its reader should know.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import { allOf, quote, type Wrong } from "../file/problem.ts"
import type { Holding, KeyIndex } from "./key-index.ts"
import type { Certificate, CertifiedKey } from "./keyring.ts"
import { whyNotOwn } from "./ownership.ts"
import type { Selector } from "./selector.ts"

/** A remark that stops nothing: a `warning` is about keys that stay hidden, or are claimed by somebody else. */
export interface Remark extends Wrong {
  readonly level: "warning" | "note"
}

/** A key that a selector stands for; only its keygrip is known where the keyring does not have it. */
export interface MatchedKey {
  readonly keygrip: Keygrip
  readonly fingerprint?: string
  readonly keyId?: string
  /** The first user id of its certificate, as it stands there: not harmless to show. */
  readonly userId?: string
}

export interface Found {
  readonly keys: ReadonlyArray<MatchedKey>
  readonly wrong: ReadonlyArray<Wrong>
  readonly remarks: ReadonlyArray<Remark>
  /** Fingerprints of the certificates that an address stands for from now on. */
  readonly pin?: ReadonlyArray<string>
}

const GRIP_HINT = "or name the key itself: \"grip:\" and its keygrip (gpg --list-keys --with-keygrip shows it)"

const nothing = (...remarks: ReadonlyArray<Remark>): Found => ({ keys: [], wrong: [], remarks })

const hidden = (message: string, hint: string): Remark => ({ level: "warning", message, hint })

/** Looks a selector up. `pinned` are the certificates that its address was found to stand for before. */
export const standFor = (
  { text, wanted }: Selector,
  index: KeyIndex,
  pinned: ReadonlyArray<string> | undefined
): Found => {
  if (wanted.kind === "all") return nothing()
  // a keygrip is the key, whatever certificates say
  if (wanted.kind === "grip") return { keys: [matched(wanted.keygrip, index)], wrong: [], remarks: [] }
  if (index.world.certificates === undefined) {
    const message = `there is no public keyring to look ${quote(text)} up in: its keys stay hidden`
    return nothing(hidden(message, "import the public keys into the gate's homedir, " + GRIP_HINT))
  }
  return wanted.kind === "address"
    ? ofAddress(wanted.address, index, pinned)
    : ofDigits(text, index.ofDigits(wanted.digits), wanted.exact, index)
}

const ofDigits = (text: string, holdings: ReadonlyArray<Holding>, exact: boolean, index: KeyIndex): Found => {
  if (holdings.length === 0) {
    const message = `no certificate in the keyring has the key ${quote(text)}: it stays hidden`
    return nothing(hidden(message, "import the public key into the gate's homedir, " + GRIP_HINT))
  }
  const all = distinct(holdings)
  const own = all.filter(index.isOwn)
  const [certificate] = all.length === 1 ? all : own
  if (certificate === undefined || (all.length > 1 && own.length > 1)) {
    const which = own.length === 0 ? "none of them is yours" : `${own.length} of them are yours`
    const message = `the key ${quote(text)} stands in ${all.length} certificates, and ${which}: ${names(all)}`
    return {
      keys: [],
      wrong: [{ message, hint: "name a certificate by the fingerprint of its primary key, " + GRIP_HINT }],
      remarks: []
    }
  }
  const keys = exact
    ? holdings.filter((holding) => holding.certificate === certificate).map(({ key }) => key)
    : certificate.keys
  return taken([{ certificate, keys }], index, index.isOwn(certificate))
}

const ofAddress = (address: string, index: KeyIndex, pinned: ReadonlyArray<string> | undefined): Found => {
  const candidates = index.ofAddress(address)
  const own = candidates.filter(index.isOwn)
  const certificates = pinned === undefined ? own : pinned.flatMap((print) => index.certificate(print) ?? [])
  const remarks: Array<Remark> = []
  const foreign = candidates.filter((each) => !index.isOwn(each) && !certificates.includes(each))
  if (certificates.length === 0) {
    const message = pinned === undefined
      ? `no certificate of yours has the address ${quote(address)}: its keys stay hidden`
      : `the keyring does not have the certificates any more that ${quote(address)} stood for: ${some(pinned)}`
    const hint = pinned === undefined && foreign.length === 0
      ? "gpg --list-secret-keys shows yours"
      : "when the policy is read again, the address is looked up anew"
    remarks.push(foreign.length > 0 && pinned === undefined ? { level: "warning", message } : hidden(message, hint))
  }
  if (foreign[0] !== undefined) {
    const message = foreign.length === 1
      ? `the certificate ${names(foreign)} has the address ${quote(address)} and is not taken: ${
        whyNotOwn(foreign[0], index.world)
      }`
      : `${foreign.length} certificates have the address ${quote(address)} and are not yours: ${names(foreign)}`
    remarks.push(hidden(message, "name it by its fingerprint if it is yours"))
  }
  const late = pinned === undefined ? [] : own.filter((each) => !certificates.includes(each))
  if (late.length > 0) {
    const message = `${quote(address)} was pinned before this came, which is not taken: ${names(late)}`
    remarks.push({ level: "note", message, hint: "it is taken when the policy is read again" })
  }
  const { certificates: known, secret } = index.world
  const sure = known !== undefined && secret !== undefined && certificates.length > 0
  const pin = pinned ?? (sure ? certificates.map(({ fingerprint }) => fingerprint) : undefined)
  const found = taken(certificates.map((certificate) => ({ certificate, keys: certificate.keys })), index, true)
  return { ...found, remarks: [...remarks, ...found.remarks], ...(pin === undefined ? {} : { pin }) }
}

interface Taken {
  readonly certificate: Certificate
  readonly keys: ReadonlyArray<CertifiedKey>
}

/** The keys, unless one of them stands in another certificate that has as good a claim to it. */
const taken = (parts: ReadonlyArray<Taken>, index: KeyIndex, own: boolean): Found => {
  const wrong: Array<Wrong> = []
  const remarks: Array<Remark> = []
  const keys = new Map<Keygrip, MatchedKey>()
  for (const { certificate, keys: some } of parts) {
    for (const { keygrip } of some) {
      if (keys.has(keygrip)) continue
      keys.set(keygrip, matched(keygrip, index, certificate))
      const others = distinct(index.ofGrip(keygrip)).filter((each) => each !== certificate)
      const rivals = own ? others.filter(index.isOwn) : others
      if (rivals.length > 0) {
        const message = `the key with the keygrip ${keygrip} stands in ${rivals.length + 1} certificates: ${
          names([certificate, ...rivals])
        }`
        const hint = `take it out of all but one, or name it alone: "grip:${keygrip}"`
        wrong.push({ message, hint })
      } else if (others.length > 0) {
        const message = `the key with the keygrip ${keygrip} also stands in what is not yours, and is ignored there: ${
          names(others)
        }`
        remarks.push({ level: "note", message })
      }
    }
  }
  return { keys: [...keys.values()], wrong, remarks }
}

const matched = (keygrip: Keygrip, index: KeyIndex, certificate?: Certificate): MatchedKey => {
  if (certificate === undefined) {
    const { capabilities: _, ...known } = index.known(keygrip) ?? { capabilities: undefined }
    return { keygrip, ...known }
  }
  const key = certificate.keys.find((each) => each.keygrip === keygrip)
  const userId = certificate.userIds[0]?.text
  return {
    keygrip,
    ...(key === undefined ? {} : { fingerprint: key.fingerprint, keyId: key.keyId }),
    ...(userId === undefined ? {} : { userId })
  }
}

const distinct = (holdings: ReadonlyArray<Holding>): ReadonlyArray<Certificate> => [
  ...new Set(holdings.map(({ certificate }) => certificate))
]

/** Certificates that a message names at most. */
const MAX_NAMES = 3

const names = (certificates: ReadonlyArray<Certificate>): string =>
  some(certificates.map(({ fingerprint }) => fingerprint))

const some = (words: ReadonlyArray<string>): string =>
  words.length <= MAX_NAMES
    ? allOf(words)
    : allOf([...words.slice(0, MAX_NAMES), `${words.length - MAX_NAMES} more`])
