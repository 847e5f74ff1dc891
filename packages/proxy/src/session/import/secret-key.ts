// An unprotected secret key in the form in which gpg hands one to IMPORT_KEY --unattended, taken apart:
// `(openpgp-private-key (version 4)(algo rsa)(curve ..)(skey _ n _ e ..)(csum 1)(protection none))` (GnuPG g10/import.c
// transfer_secret_keys, agent/cvt-openpgp.c). The agent finds each part wherever it stands, the first of its name. So that it
// cannot read another key than the one that is looked at here, the parts have to stand as gpg writes them, and nothing else.
// Plain `(private-key ..)` is no such form: the agent refuses it with --unattended.
import { parseCanonical } from "@gripgate/protocol/sexp/parse-canonical"
import { type Atom, isAtom, type List, type Sexp } from "@gripgate/protocol/sexp/sexp"
import * as Result from "effect/Result"

/** The parts of a key, by the letters of OpenPGP: views of the bytes that were parsed. Nothing says that they belong together. */
export type SecretKey =
  | { readonly kind: "rsa"; readonly parts: Record<"n" | "e" | "d" | "p" | "q" | "u", Atom> }
  | { readonly kind: "dsa"; readonly parts: Record<"p" | "q" | "g" | "y" | "x", Atom> }
  | { readonly kind: "elg"; readonly parts: Record<"p" | "g" | "y" | "x", Atom> }
  | { readonly kind: "ecc"; readonly curve: string; readonly parts: Record<"q" | "d", Atom> }

/** The names that gpg gives to algorithms here, in upper case (GnuPG g10/misc.c openpgp_pk_algo_name); libgcrypt takes either. */
const kinds: ReadonlyMap<string, SecretKey["kind"]> = new Map([
  ["rsa", "rsa"],
  ["dsa", "dsa"],
  ["elg", "elg"],
  ["ecdh", "ecc"],
  ["ecdsa", "ecc"],
  ["eddsa", "ecc"]
])

const UNDERSCORE = 0x5f

/** Parses key data with the NULs that fill it up to a multiple of 8 bytes; `undefined` for everything else. */
export const parseSecretKey = (bytes: Buffer): SecretKey | undefined => {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 8 && bytes[end - 1] === 0) end--
  const parsed = parseCanonical(bytes.subarray(0, end))
  if (Result.isFailure(parsed)) return undefined
  const [head, version, algo, ...rest] = parsed.success
  // gpg leaves the curve of the key before in front of one that has none
  const curve = rest.length === 4 ? oneText(rest.shift(), "curve") : ""
  const [skey, csum, protection] = rest
  const kind = kinds.get((oneText(algo, "algo") ?? "").toLowerCase())
  const values = valuesOf(skey)
  if (
    rest.length !== 3 || textOf(head) !== "openpgp-private-key" || !/^[345]$/.test(oneText(version, "version") ?? "")
    || !/^[0-9]{1,5}$/.test(oneText(csum, "csum") ?? "") || oneText(protection, "protection") !== "none"
    || kind === undefined || curve === undefined || values === undefined
  ) return undefined
  return keyOf(kind, curve, values)
}

const keyOf = (kind: SecretKey["kind"], curve: string, values: ReadonlyArray<Atom>): SecretKey | undefined => {
  switch (kind) {
    case "rsa": {
      const [n, e, d, p, q, u, ...more] = values
      return n && e && d && p && q && u && more.length === 0 ? { kind, parts: { n, e, d, p, q, u } } : undefined
    }
    case "dsa": {
      const [p, q, g, y, x, ...more] = values
      return p && q && g && y && x && more.length === 0 ? { kind, parts: { p, q, g, y, x } } : undefined
    }
    case "elg": {
      const [p, g, y, x, ...more] = values
      return p && g && y && x && more.length === 0 ? { kind, parts: { p, g, y, x } } : undefined
    }
    case "ecc": {
      const [q, d, ...more] = values
      return q && d && more.length === 0 ? { kind, curve, parts: { q, d } } : undefined
    }
  }
}

/** The values of `(skey _ value _ value ...)`; an `e` in place of a `_` says that a value is encrypted. */
const valuesOf = (sexp: Sexp | undefined): ReadonlyArray<Atom> | undefined => {
  if (sexp === undefined || isAtom(sexp) || textOf(sexp[0]) !== "skey" || sexp.length % 2 !== 1) return undefined
  const values: Array<Atom> = []
  for (let at = 1; at < sexp.length; at += 2) {
    const [mark, value] = [sexp[at]!, sexp[at + 1]!]
    if (!isAtom(mark) || !isAtom(value) || mark.length !== 1 || mark[0] !== UNDERSCORE) return undefined
    values.push(value)
  }
  return values
}

/** The text of `(name text)`, for what is no secret. */
const oneText = (sexp: Sexp | undefined, name: string): string | undefined =>
  sexp !== undefined && isList(sexp) && sexp.length === 2 && textOf(sexp[0]) === name ? textOf(sexp[1]) : undefined

const isList = (sexp: Sexp): sexp is List => !isAtom(sexp)

/** The longest word is the first: no secret becomes a string by standing where a word is looked for. */
const MAX_WORD = 19

const textOf = (sexp: Sexp | undefined): string | undefined =>
  sexp !== undefined && isAtom(sexp) && sexp.length <= MAX_WORD
    ? Buffer.from(sexp.buffer, sexp.byteOffset, sexp.length).toString("latin1")
    : undefined
