// The form of a token, `gg1-ID-SECRET-CHECK`: what has one in it is for the gate, and is never handed on as a passphrase. A file may end
// its lines with CR LF, and what stands before a token in the environment is easily taken along.

const START = Buffer.from("gg1-")
/** How many of these are letters. */
const LETTERS = 2
const DASH = 0x2d

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)

/** Whether the form begins at a place; letters in either case. */
const isFormAt = (bytes: Uint8Array, at: number): boolean => {
  if (START.some((byte, i) => ((bytes[at + i] ?? 0) | (i < LETTERS ? 0x20 : 0)) !== byte)) return false
  let dashes = 1
  let inWord = 0
  for (let i = at + START.length; i < bytes.length; i++) {
    if (bytes[i] === DASH) {
      if (inWord === 0) return false
      if (++dashes === 4) return false
      inWord = 0
    } else if (isAlphanumeric(bytes[i]!)) inWord++
    else break
  }
  return dashes === 3 && inWord > 0
}

/** Whether a token stands in these bytes, valid or not. They may be a secret, so they never become a string. */
export const hasTokenForm = (bytes: Uint8Array): boolean => {
  for (let at = 0; at + START.length + 5 <= bytes.length; at++) if (isFormAt(bytes, at)) return true
  return false
}
