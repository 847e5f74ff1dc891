// Writes an S-expression in canonical form (RFC 9804, 6.2): what an agent gets in place of a client's own spelling.
// One tree has one spelling; nothing of how the client wrote it is left.
import { isAtom, type Sexp } from "./sexp.ts"

const OPEN = Buffer.from("(")
const CLOSE = Buffer.from(")")

// recursion is bounded by MAX_DEPTH, which both parsers keep
const append = (sexp: Sexp, chunks: Array<Uint8Array>): void => {
  if (isAtom(sexp)) {
    chunks.push(Buffer.from(`${sexp.length}:`), sexp)
    return
  }
  chunks.push(OPEN)
  for (const item of sexp) append(item, chunks)
  chunks.push(CLOSE)
}

/**
 * The canonical form of `sexp`, in a buffer of its own. For a tree that a parser gave, gcry_sexp_canon_len finds
 * exactly these bytes valid, and parseCanonical reads the same tree from them.
 */
export const writeCanonical = (sexp: Sexp): Buffer => {
  const chunks: Array<Uint8Array> = []
  append(sexp, chunks)
  return Buffer.concat(chunks)
}
