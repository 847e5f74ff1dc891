// What names keys, from its text: "*", "grip:...", a fingerprint, a key id or a mail address. What else gpg would take
// (a name, a part of one, a short key id) is refused: others can make keys that it fits.
import { parseKeygrip } from "@gripgate/protocol/keygrip"
import * as Result from "effect/Result"
import { isAddress } from "../keys/address.ts"
import type { Wanted } from "../keys/selector.ts"
import { quote, type Wrong } from "./problem.ts"

/** Every form of a selector, for hints. */
export const SELECTOR_FORMS =
  "a key goes by \"grip:\" and its keygrip, by fingerprint, by key id of 16 digits, or by mail address; \"*\" stands for every key"

// Blanks as gpg prints them in a fingerprint. A word of a few letters that happen to be digits is taken for a name.
const HEXADECIMAL = /^(?:0x)?([0-9a-f]+(?: {1,2}[0-9a-f]+)*)(!?)$/i

/** Reads one selector. */
export const parseSelector = (text: string): Result.Result<Wanted, Wrong> => {
  if (text === "*") return Result.succeed({ kind: "all" })
  if (text.startsWith("grip:")) {
    const keygrip = parseKeygrip(text.slice(5))
    if (keygrip !== undefined) return Result.succeed({ kind: "grip", keygrip })
    const hint = "gpg --list-secret-keys --with-keygrip shows it"
    return Result.fail({ message: `expected "grip:" and 40 hexadecimal digits, got ${quote(text)}`, hint })
  }
  if (text.includes("@")) return parseAddress(text)
  const parts = HEXADECIMAL.exec(text)
  const digits = parts?.[1]!.replaceAll(" ", "").toUpperCase()
  if (parts === null || digits === undefined || (digits.length < 8 && !/^0x/i.test(text))) {
    const message = text === ""
      ? "expected a key, got an empty string"
      : `${quote(text)} is no key: a name can be anybody's`
    return Result.fail({ message, hint: SELECTOR_FORMS })
  }
  return parseDigits(text, digits, parts[2] === "!")
}

const parseDigits = (text: string, digits: string, exact: boolean): Result.Result<Wanted, Wrong> => {
  switch (digits.length) {
    case 40:
    case 64:
      return Result.succeed({ kind: "fingerprint", digits, exact })
    case 16: {
      if (!text.includes(" ")) return Result.succeed({ kind: "key id", digits, exact })
      return Result.fail({ message: `a key id has no blanks: ${quote(text)}`, hint: `write "${digits}"` })
    }
    case 8: {
      const hint = "give the fingerprint, or the 16 digits that gpg --list-keys --keyid-format long shows"
      return Result.fail({ message: `a key id of 8 digits can be forged: ${quote(text)}`, hint })
    }
    default: {
      const message = `expected 16 hexadecimal digits for a key id, 40 or 64 for a fingerprint, got ${digits.length}`
      return Result.fail({ message, hint: "gpg --list-keys --with-subkey-fingerprint shows fingerprints" })
    }
  }
}

const parseAddress = (text: string): Result.Result<Wanted, Wrong> => {
  const bare = /^<(.*)>$/s.exec(text)?.[1] ?? text
  if (isAddress(bare)) return Result.succeed({ kind: "address", address: bare.toLowerCase() })
  const within = /^[^<>]*<([^<>]*)>$/.exec(text)?.[1]
  const hint = within !== undefined && isAddress(within)
    ? `write the address alone: ${quote(within)}`
    : "an address stands for exactly itself, as in \"alice@example.org\": no name, no pattern, no part of one"
  return Result.fail({ message: `${quote(text)} is not one mail address`, hint })
}

/** What a selector means, as a text: two selectors that mean the same without a look at any keyring have the same one. */
export const meaningOf = (wanted: Wanted): string => {
  switch (wanted.kind) {
    case "all":
      return "*"
    case "grip":
      return `grip:${wanted.keygrip}`
    case "address":
      return wanted.address
    default:
      return `${wanted.digits}${wanted.exact ? "!" : ""}`
  }
}
