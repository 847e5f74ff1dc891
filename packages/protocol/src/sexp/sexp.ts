// S-expressions as data: what the answers to CIPHERTEXT and KEYPARAM inquiries are parsed into and written from.
// No bytes are read or written here, and nothing knows what an expression means.
import * as Result from "effect/Result"

/** A string of bytes, never empty. Parsers give views of their input where the bytes stand there as they are. */
export type Atom = Uint8Array

/** A list; only the outermost one must hold something. */
export type List = ReadonlyArray<Sexp>

/** An expression. There are no display hints: libgcrypt takes `[hint]atom` for two atoms (libgcrypt src/sexp.c). */
export type Sexp = Atom | List

/** Lists within lists, the outermost counted. gpg and gpgsm never send more than 3; libgcrypt has no limit. */
export const MAX_DEPTH = 32

/**
 * Bytes of one atom: libgcrypt keeps lengths in 16 bits (libgcrypt src/sexp.c). 1.10.1 still takes longer ones, cuts
 * the length, and aborts when it prints the expression. The limit of an inquiry is far below, and bounds the whole.
 */
export const MAX_ATOM = 65535

/** What is wrong with an expression. */
export type SexpFault =
  | "not a list"
  | "empty list"
  | "unexpected end"
  | "unexpected byte"
  | "bytes behind the list"
  | "lists too deep"
  | "atom too long"
  | "empty atom"
  | "bad length"
  | "bad escape"
  | "bad hexadecimal"
  | "display hint"
  | "base64"

/** Why bytes were not taken for an expression, and the offset in bytes at which that is so. */
export interface SexpError {
  readonly reason: SexpFault
  readonly offset: number
}

export const isAtom = (sexp: Sexp): sexp is Atom => sexp instanceof Uint8Array

/** The failure of a parser. */
export const sexpError = (reason: SexpFault, offset: number): Result.Result<never, SexpError> =>
  Result.fail({ reason, offset })
