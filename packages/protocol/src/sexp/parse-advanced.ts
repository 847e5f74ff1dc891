// S-expressions as gcry_sexp_sscan reads them (libgcrypt src/sexp.c): blanks, tokens, "strings", #hexadecimal# and
// verbatim atoms in any mixture. It is the form of KEYPARAM answers: gpg sends `(genkey(rsa(nbits 4:3072)))`.
// What is taken here, libgcrypt reads as the same tree; what would be read differently by another version is refused.
import * as Result from "effect/Result"
import { type AtomRead, type Form, parseList } from "./parse-list.ts"
import { type List, type SexpError, sexpError } from "./sexp.ts"
import { isDigit, readLength, readVerbatim } from "./verbatim.ts"

type Read = Result.Result<AtomRead, SexpError>

const QUOTE = 0x22
const HASH = 0x23
const BACKSLASH = 0x5c
const CR = 0x0d
const LF = 0x0a

const blanks = new Set(Buffer.from(" \t\v\f\r\n"))

// libgcrypt's strchr over these lets NUL into tokens as well; here it is a byte like any other that has no place
const tokenBytes = new Set(Buffer.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./_:*+="))

/** What stands for one byte behind a backslash. RFC 9804 has `\a` and `\?` too, libgcrypt has not. */
const escaped = Buffer.from("btvnfr\"'\\")
const escapes = new Map([...Buffer.from("\b\t\v\n\f\r\"'\\")].map((byte, index) => [escaped[index], byte]))

/** The value of a digit, octal or hexadecimal as `base` says; -1 for any other byte. */
const digitOf = (byte: number, base: number): number => {
  const letter = byte | 0x20
  const value = isDigit(byte) ? byte - 0x30 : letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : base
  return value < base ? value : -1
}

/** A token; a view of `bytes`. It cannot begin with a digit, which would begin a length. */
const readToken = (bytes: Uint8Array, at: number): Read => {
  let next = at
  while (next < bytes.length && tokenBytes.has(bytes[next]!)) next++
  return Result.succeed({ atom: bytes.subarray(at, next), next })
}

/** The hexadecimal digits that begin behind the hash at `at`, blanks between them, up to the next hash. */
const readHexadecimal = (bytes: Uint8Array, at: number): Read => {
  const out: Array<number> = []
  let high = -1
  for (let next = at + 1; next < bytes.length; next++) {
    const byte = bytes[next]!
    if (blanks.has(byte)) continue
    if (byte === HASH) {
      if (high >= 0) return sexpError("bad hexadecimal", next)
      return Result.succeed({ atom: Uint8Array.from(out), next: next + 1 })
    }
    const digit = digitOf(byte, 16)
    if (digit < 0) return sexpError("bad hexadecimal", next)
    if (high < 0) {
      high = digit
    } else {
      out.push(high << 4 | digit)
      high = -1
    }
  }
  return sexpError("unexpected end", bytes.length)
}

/** A number of exactly `count` digits from `at` on, at most 255. */
const readNumber = (bytes: Uint8Array, at: number, count: number, base: number): Result.Result<number, SexpError> => {
  let value = 0
  for (let next = at; next < at + count; next++) {
    if (next === bytes.length) return sexpError("unexpected end", next)
    const digit = digitOf(bytes[next]!, base)
    if (digit < 0) return sexpError("bad escape", next)
    value = value * base + digit
  }
  // libgcrypt keeps the low eight bits of `\777`
  return value > 255 ? sexpError("bad escape", at) : Result.succeed(value)
}

/**
 * Decodes the escape whose backslash stands at `at` into `out`, and returns the offset behind it. A line end behind a
 * backslash, of one byte or two, stands for nothing; libgcrypt looked for the second one beyond the end of its input
 * until August 2026 (dev.gnupg.org T8371), so it must not see a client's own escapes.
 */
const readEscape = (bytes: Uint8Array, at: number, out: Array<number>): Result.Result<number, SexpError> => {
  const byte = bytes[at + 1]
  if (byte === undefined) return sexpError("unexpected end", bytes.length)
  if (byte === CR) return Result.succeed(at + (bytes[at + 2] === LF ? 3 : 2))
  if (byte === LF) return Result.succeed(at + (bytes[at + 2] === CR ? 3 : 2))
  const single = escapes.get(byte)
  if (single !== undefined) {
    out.push(single)
    return Result.succeed(at + 2)
  }
  const hexadecimal = byte === 0x78
  const from = hexadecimal ? at + 2 : at + 1
  const count = hexadecimal ? 2 : 3
  const number = readNumber(bytes, from, count, hexadecimal ? 16 : 8)
  if (Result.isFailure(number)) return Result.fail(number.failure)
  out.push(number.success)
  return Result.succeed(from + count)
}

/** The string that begins behind the quote at `at`. Any byte may stand in it, line ends and NUL too. */
const readString = (bytes: Uint8Array, at: number): Read => {
  const out: Array<number> = []
  let next = at + 1
  while (next < bytes.length) {
    const byte = bytes[next]!
    if (byte === QUOTE) return Result.succeed({ atom: Uint8Array.from(out), next: next + 1 })
    if (byte === BACKSLASH) {
      const escape = readEscape(bytes, next, out)
      if (Result.isFailure(escape)) return Result.fail(escape.failure)
      next = escape.success
    } else {
      out.push(byte)
      next++
    }
  }
  return sexpError("unexpected end", bytes.length)
}

/** An atom that begins with a length: verbatim, or `3"abc"` and `3#616263#`, where it must be the atom's own. */
const readWithLength = (bytes: Uint8Array, at: number): Read => {
  const read = readLength(bytes, at)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  const { length, next } = read.success
  const mark = bytes[next]
  if (mark !== QUOTE && mark !== HASH) return mark === 0x7c ? sexpError("base64", next) : readVerbatim(bytes, at)
  const spelt = mark === QUOTE ? readString(bytes, next) : readHexadecimal(bytes, next)
  // libgcrypt does not look at this length; RFC 9804 (4.2, 4.4) demands that it is right
  return Result.isSuccess(spelt) && spelt.success.atom.length !== length ? sexpError("bad length", at) : spelt
}

const advanced: Form = {
  isBlank: (byte) => blanks.has(byte),
  readAtom: (bytes, at) => {
    const byte = bytes[at]!
    if (isDigit(byte)) return readWithLength(bytes, at)
    if (tokenBytes.has(byte)) return readToken(bytes, at)
    if (byte === QUOTE) return readString(bytes, at)
    if (byte === HASH) return readHexadecimal(bytes, at)
    if (byte === 0x5b || byte === 0x5d) return sexpError("display hint", at)
    return sexpError(byte === 0x7c ? "base64" : "unexpected byte", at)
  }
}

/**
 * Parses one list in any of the spellings that libgcrypt reads, with blanks anywhere around atoms and parentheses.
 * `%` formats belong to gcry_sexp_build alone and are no more taken here than in gcry_sexp_sscan.
 *
 * Refused though libgcrypt takes it: `|base64|` (read since 1.10 only), display hints (it reads them as atoms), empty
 * atoms, NUL in tokens and behind the list, a length that is not the atom's own before a string or hexadecimal.
 *
 * Atoms may be views: `bytes` must stay as it is while they are in use. The caller bounds `bytes` by the limit of the
 * inquiry, and also what writeCanonical makes of the tree, which can be longer: `a` becomes `1:a`.
 */
export const parseAdvanced = (bytes: Uint8Array): Result.Result<List, SexpError> => parseList(bytes, advanced)
