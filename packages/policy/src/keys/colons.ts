// The colon listing of gpg as certificates (GnuPG doc/DETAILS, "Format of the colon listings"). Never throws: a record that
// is not understood is skipped, as newer versions may add some.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"
import { addressOf } from "./address.ts"
import type { Capability, Certificate, CertifiedKey, UserId } from "./keyring.ts"

/** Capabilities by their letter in field 12: lower case is the key's own, upper case what all of the certificate can do. */
const letters: ReadonlyMap<string, Capability> = new Map([
  ["s", "sign"],
  ["c", "certify"],
  ["a", "authenticate"],
  ["e", "encrypt"]
])

/** Places of fields, counted from 0. */
const VALIDITY = 1
const KEY_ID = 4
const OWNERTRUST = 8
const VALUE = 9
const CAPABILITIES = 11

const FINGERPRINT = /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/i
const KEY_ID_DIGITS = /^[0-9A-F]{16}$/i

/** A primary key or subkey of which the fingerprint and the keygrips are still to come. */
interface Open {
  readonly keyId: string
  readonly primary: boolean
  readonly capabilities: ReadonlySet<Capability>
  fingerprint: string | undefined
}

/** A certificate that grows; its fingerprint is that of its primary key. */
interface Growing {
  fingerprint: string | undefined
  readonly ultimate: boolean
  readonly userIds: Array<UserId>
  readonly keys: Array<CertifiedKey>
}

/**
 * The certificates of `gpg --with-colons --with-keygrip --list-keys`, in its order. Revoked, expired and disabled keys are
 * among them, as the agent serves these too; revoked user ids are not (of a revoked certificate gpg calls all of them
 * revoked). A key without a keygrip is left out, and a certificate without a key. A key of two parts, as ML-KEM has them in
 * GnuPG 2.5, is one entry for each keygrip.
 */
export const parseColons = (text: string): ReadonlyArray<Certificate> => {
  const found: Array<Growing> = []
  let certificate: Growing | undefined
  let key: Open | undefined
  for (const line of text.split("\n")) {
    const fields = line.split(":")
    switch (fields[0]) {
      case "pub":
      case "sub": {
        const primary = fields[0] === "pub"
        if (primary) {
          certificate = { fingerprint: undefined, ultimate: fields[OWNERTRUST] === "u", userIds: [], keys: [] }
          found.push(certificate)
        }
        key = readKey(fields, primary)
        break
      }
      case "fpr": {
        const fingerprint = fields[VALUE] ?? ""
        if (key === undefined || key.fingerprint !== undefined || !FINGERPRINT.test(fingerprint)) break
        key.fingerprint = fingerprint.toUpperCase()
        if (key.primary && certificate !== undefined) certificate.fingerprint = key.fingerprint
        break
      }
      case "grp":
        certificate?.keys.push(...withGrips(key, fields[VALUE] ?? ""))
        break
      case "uid": {
        const userId = unescape(fields[VALUE] ?? "")
        const address = addressOf(userId)
        if (fields[VALIDITY] === "r" || userId === "") break
        certificate?.userIds.push({ text: userId, ...(address === undefined ? {} : { address }) })
        break
      }
      default:
    }
  }
  return found.flatMap(({ fingerprint, ...rest }) =>
    fingerprint === undefined || rest.keys.length === 0 ? [] : [{ fingerprint, ...rest }]
  )
}

const readKey = (fields: ReadonlyArray<string>, primary: boolean): Open | undefined => {
  const keyId = fields[KEY_ID] ?? ""
  if (!KEY_ID_DIGITS.test(keyId)) return undefined
  const capabilities = new Set<Capability>()
  for (const letter of fields[CAPABILITIES] ?? "") {
    const capability = letters.get(letter)
    if (capability !== undefined) capabilities.add(capability)
  }
  return { keyId: keyId.toUpperCase(), primary, capabilities, fingerprint: undefined }
}

/** The keys of one `grp` record: the parts of a composite key stand behind each other (GnuPG 2.5 g10/keylist.c). */
const withGrips = (key: Open | undefined, value: string): ReadonlyArray<CertifiedKey> => {
  const fingerprint = key?.fingerprint
  if (key === undefined || fingerprint === undefined) return []
  return value.split(",").map(parseKeygrip).filter((keygrip): keygrip is Keygrip => keygrip !== undefined)
    .map((keygrip) => ({
      keygrip,
      fingerprint,
      keyId: key.keyId,
      primary: key.primary,
      capabilities: key.capabilities
    }))
}

const short: ReadonlyMap<string, number> = new Map([
  ["0", 0],
  ["b", 8],
  ["t", 9],
  ["n", 10],
  ["v", 11],
  ["f", 12],
  ["r", 13],
  ["\\", 0x5c]
])

/** A field without its escapes, which stand for bytes: a character of several may be cut into escapes. */
const unescape = (field: string): string => {
  if (!field.includes("\\")) return field
  const pieces = field.split(/(\\x[0-9A-Fa-f]{2}|\\[0btnvfr\\])/).map((piece) => {
    if (piece[0] !== "\\" || piece.length === 1) return Buffer.from(piece)
    const byte = piece.length === 4 ? Number.parseInt(piece.slice(2), 16) : short.get(piece.slice(1))
    return byte === undefined ? Buffer.from(piece) : Buffer.of(byte)
  })
  return Buffer.concat(pieces).toString()
}
