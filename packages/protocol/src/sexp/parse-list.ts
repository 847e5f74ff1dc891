// The walk that the canonical and the advanced form share: parentheses, depth, one list and nothing behind it.
// What stands between atoms and how an atom is spelt is the form's own business.
import * as Result from "effect/Result"
import { type Atom, type List, MAX_ATOM, MAX_DEPTH, type Sexp, type SexpError, sexpError } from "./sexp.ts"

/** An atom, and the offset of the first byte behind its spelling. */
export interface AtomRead {
  readonly atom: Atom
  readonly next: number
}

/** How one form differs from another. `readAtom` gets the offset of a byte that is neither blank nor parenthesis. */
export interface Form {
  readonly isBlank: (byte: number) => boolean
  readonly readAtom: (bytes: Uint8Array, at: number) => Result.Result<AtomRead, SexpError>
}

const OPEN = 0x28
const CLOSE = 0x29

/**
 * Parses bytes that are one list from the first byte that is not blank to the last. Time is linear in their number.
 * libgcrypt takes more at the top: several lists, bare atoms, an unfinished atom behind the list, which it drops, and
 * `()`, which becomes no expression at all, without an error (libgcrypt src/sexp.c). No program sends any of these.
 */
export const parseList = (bytes: Uint8Array, form: Form): Result.Result<List, SexpError> => {
  const path: Array<Array<Sexp>> = []
  let whole: List | undefined
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (form.isBlank(byte)) {
      at++
      continue
    }
    if (whole !== undefined) return sexpError("bytes behind the list", at)
    const list = path.at(-1)
    if (byte === OPEN) {
      // an own stack instead of recursion, so that a bomb of parentheses meets this limit and no other
      if (path.length === MAX_DEPTH) return sexpError("lists too deep", at)
      const inner: Array<Sexp> = []
      list?.push(inner)
      path.push(inner)
      at++
    } else if (list === undefined) {
      return sexpError("not a list", at)
    } else if (byte === CLOSE) {
      path.pop()
      if (path.length === 0) {
        if (list.length === 0) return sexpError("empty list", at)
        whole = list
      }
      at++
    } else {
      const read = form.readAtom(bytes, at)
      if (Result.isFailure(read)) return Result.fail(read.failure)
      const { atom, next } = read.success
      // libgcrypt makes empty atoms of `""` and `##`, prints them as `0:`, and does not read that again
      if (atom.length === 0) return sexpError("empty atom", at)
      if (atom.length > MAX_ATOM) return sexpError("atom too long", at)
      list.push(atom)
      at = next
    }
  }
  return whole === undefined ? sexpError("unexpected end", bytes.length) : Result.succeed(whole)
}
