// The form of a token, `gg1-ID-SECRET-CHECK`: what looks like one is for the gate, and is never handed on as a passphrase.

const START = Buffer.from("gg1-")
const DASH = 0x2d

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)

/** Whether bytes have the form of a token, valid or not. They may be a secret, so they never become a string. */
export const hasTokenForm = (bytes: Uint8Array): boolean => {
  if (bytes.length < START.length + 5 || START.some((byte, i) => bytes[i] !== byte)) return false
  let dashes = 1
  let inWord = 0
  for (let i = START.length; i < bytes.length; i++) {
    if (bytes[i] === DASH && inWord > 0) {
      dashes++
      inWord = 0
    } else if (isAlphanumeric(bytes[i]!)) inWord++
    else return false
  }
  return dashes === 3 && inWord > 0
}
