// Atoms in verbatim mode, `4:3072`: a length in decimal, a colon, and the bytes as they are.
// It is the only spelling that canonical form has; the advanced form takes the length before other spellings too.
import * as Result from "effect/Result"
import type { AtomRead } from "./parse-list.ts"
import { MAX_ATOM, type SexpError, sexpError } from "./sexp.ts"

const ZERO = 0x30
const COLON = 0x3a

export const isDigit = (byte: number): boolean => byte >= ZERO && byte <= 0x39

/** The number that begins at `at`, where a digit stands, and the offset of what follows it. No leading zeros. */
export const readLength = (
  bytes: Uint8Array,
  at: number
): Result.Result<{ readonly length: number; readonly next: number }, SexpError> => {
  let length = 0
  let next = at
  for (; next < bytes.length && isDigit(bytes[next]!); next++) {
    if (next > at && bytes[at] === ZERO) return sexpError("bad length", at)
    length = length * 10 + bytes[next]! - ZERO
    // stops long before the number could lose precision, or wrap as 32 bits do in libgcrypt's gcry_sexp_canon_len
    if (length > MAX_ATOM) return sexpError("atom too long", at)
  }
  return next === bytes.length ? sexpError("unexpected end", next) : Result.succeed({ length, next })
}

/** The atom whose length begins at `at`; a view of `bytes`. */
export const readVerbatim = (bytes: Uint8Array, at: number): Result.Result<AtomRead, SexpError> => {
  const read = readLength(bytes, at)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  if (bytes[read.success.next] !== COLON) return sexpError("bad length", at)
  const start = read.success.next + 1
  const next = start + read.success.length
  return next > bytes.length
    ? sexpError("unexpected end", bytes.length)
    : Result.succeed({ atom: bytes.subarray(start, next), next })
}
