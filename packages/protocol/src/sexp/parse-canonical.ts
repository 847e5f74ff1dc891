// S-expressions in canonical form (RFC 9804, 6.2), the form of every CIPHERTEXT answer that gpg and gpgsm send.
// Stricter than the RFC where libgcrypt differs from it; what is taken here, libgcrypt reads as the same tree.
import type * as Result from "effect/Result"
import { type Form, parseList } from "./parse-list.ts"
import { type List, type SexpError, sexpError } from "./sexp.ts"
import { isDigit, readVerbatim } from "./verbatim.ts"

const canonical: Form = {
  isBlank: () => false,
  readAtom: (bytes, at) =>
    isDigit(bytes[at]!)
      ? readVerbatim(bytes, at)
      : sexpError(bytes[at] === 0x5b ? "display hint" : "unexpected byte", at)
}

/**
 * Parses one list in canonical form, with nothing before or behind it: gpg sends neither the NUL that
 * gcry_sexp_sprint ends its output with nor a line end (seen with GnuPG 2.2.40, 2.4.7 and 2.5.12), while the agent's
 * own answers, which are not parsed here, may end in that NUL.
 *
 * The atoms are views: `bytes` must stay as it is while they are in use. The caller bounds `bytes` by the limit of the
 * inquiry. Fails for `0:` too, an empty atom by the RFC and an error to libgcrypt, and for display hints.
 */
export const parseCanonical = (bytes: Uint8Array): Result.Result<List, SexpError> => parseList(bytes, canonical)
