// The escaping of texts for a pinentry, both ways. The agent turns `+` into a blank and hands the rest on; the pinentry
// decodes `%XX` (GnuPG agent/command.c plus_to_blank, pinentry.c strcpy_escaped). SETKEYDESC is read once more in between:
// there `%%`, `%c`, `%C` and `%F` stand for other things (agent/findkey.c agent_modify_description).

/**
 * A text as the agent takes it. Only `%25`, `%2B`, `%0A` and `%50` are written, which nothing on the way takes for
 * something else; all other characters stay UTF-8. The letters P, I, N together would make the agent ask for a PIN
 * (agent/call-pinentry.c agent_askpin), so they never stand together.
 */
export const encode = (text: string): string =>
  text
    .replaceAll("%", "%25")
    .replaceAll("+", "%2B")
    .replaceAll(" ", "+")
    .replaceAll("\n", "%0A")
    .replaceAll("PIN", "%50IN")

/** Bytes that `encode` needs for a text, at the most: every P may be the first letter of a PIN. */
export const encodedLength = (text: string): number =>
  Buffer.byteLength(text) + 2 * (text.match(/[%+\nP]/g)?.length ?? 0)

const PERCENT = 0x25
const PLUS = 0x2b

/**
 * What a pinentry would make of a client's text. An escape that is none stays as it is, where a pinentry would show
 * something else; bytes that are no UTF-8 become U+FFFD.
 */
export const decode = (bytes: Buffer): string => {
  const decoded = Buffer.allocUnsafeSlow(bytes.length)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    const digits = byte === PERCENT ? bytes.toString("latin1", i + 1, i + 3) : ""
    if (/^[0-9A-Fa-f]{2}$/.test(digits)) {
      decoded[length++] = Number.parseInt(digits, 16)
      i += 2
    } else decoded[length++] = byte === PLUS ? 0x20 : byte
  }
  return decoded.toString("utf8", 0, length)
}
