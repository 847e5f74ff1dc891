// Percent escapes of D lines, both ways. Decoding is strict: libassuan takes any two characters after a percent sign for
// hexadecimal, and a percent sign with fewer than two behind it sends gpg-agent into an endless loop
// (libassuan assuan-inquire.c), so neither may reach it.
import { MAX_LINE_OUT } from "./limits.ts"

const PERCENT = 0x25
const CR = 0x0d
const LF = 0x0a

const hexValue = (byte: number | undefined): number => {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/**
 * Decodes the payload of one D line (what follows `D `) into `target` at `offset`, and returns the offset behind the
 * last byte written. -1 for a bad escape, or where `target` is full. Escapes never span lines.
 */
export const decodeDataInto = (payload: Buffer, target: Buffer, offset: number): number => {
  for (let i = 0; i < payload.length; i++) {
    if (offset >= target.length) return -1
    const byte = payload[i]!
    if (byte !== PERCENT) {
      target[offset++] = byte
      continue
    }
    const high = hexValue(payload[i + 1])
    const low = hexValue(payload[i + 2])
    if (high < 0 || low < 0) return -1
    target[offset++] = high << 4 | low
    i += 2
  }
  return offset
}

/** Whether a payload has only whole escapes, and how many bytes it decodes to; -1 where it has not. */
export const decodedLength = (payload: Buffer): number => {
  let length = payload.length
  for (let at = payload.indexOf(PERCENT); at >= 0; at = payload.indexOf(PERCENT, at + 3)) {
    if (hexValue(payload[at + 1]) < 0 || hexValue(payload[at + 2]) < 0) return -1
    length -= 2
  }
  return length
}

/** Decodes one payload; `undefined` for a bad escape. The result may be a view of the payload. */
export const decodeData = (payload: Buffer): Buffer | undefined => {
  const length = decodedLength(payload)
  if (length < 0) return undefined
  if (length === payload.length) return payload
  const decoded = Buffer.allocUnsafeSlow(length)
  decodeDataInto(payload, decoded, 0)
  return decoded
}

const needsEscape = (byte: number): boolean => byte === PERCENT || byte === CR || byte === LF

/** Bytes of payload that fit in one D line behind `D `. */
const ROOM = MAX_LINE_OUT - 2

/**
 * Whole D lines for `data`, none longer than 1000 bytes + LF, with `%25`, `%0D` and `%0A` as libassuan writes them.
 * No line at all for no data.
 */
export const encodeDataLines = (data: Uint8Array): Buffer => {
  let escapes = 0
  for (const byte of data) if (needsEscape(byte)) escapes++
  const payload = data.length + 2 * escapes
  // a line ends at the latest two bytes early, when an escape does not fit whole
  const lines = Math.ceil(payload / (ROOM - 2))
  // not less than a slab: a smaller buffer would be moved by V8, and leave copies of a secret
  const out = Buffer.allocUnsafeSlow(Math.max(4096, payload + 3 * lines))
  let at = 0
  let room = 0
  for (const byte of data) {
    const width = needsEscape(byte) ? 3 : 1
    if (room < width) {
      if (at > 0) out[at++] = LF
      out[at++] = 0x44
      out[at++] = 0x20
      room = ROOM
    }
    if (width === 1) {
      out[at++] = byte
    } else {
      out[at++] = PERCENT
      out[at++] = byte === PERCENT ? 0x32 : 0x30
      out[at++] = byte === PERCENT ? 0x35 : byte === CR ? 0x44 : 0x41
    }
    room -= width
  }
  if (at > 0) out[at++] = LF
  return out.subarray(0, at)
}
