// What a server says: one parsed line of an agent's answer, and the lines a gate writes in its place.
// Keywords of servers are case-sensitive (libassuan client.c), and a blank or the end must follow them.
import type { GpgError } from "./gpg-error.ts"
import { MAX_LINE_OUT } from "./limits.ts"

/** One line from a server. The buffers are views of the line. */
export type Reply =
  | { readonly kind: "ok"; readonly text: Buffer }
  | { readonly kind: "err"; readonly value: number; readonly text: Buffer }
  | { readonly kind: "status"; readonly keyword: string; readonly args: Buffer }
  | { readonly kind: "data"; readonly payload: Buffer }
  | { readonly kind: "inquire"; readonly keyword: string; readonly args: Buffer }
  | { readonly kind: "comment" }

const BLANK = 0x20
const none = Buffer.alloc(0)

const behind = (line: Buffer, length: number): Buffer => line.length > length ? line.subarray(length + 1) : none

const endsAt = (line: Buffer, at: number): boolean => line.length === at || line[at] === BLANK

/** The first word of a line's arguments, as text, and the rest behind one blank; `undefined` where there is no word. */
const keywordOf = (line: Buffer, from: number): { readonly keyword: string; readonly args: Buffer } | undefined => {
  if (endsAt(line, from)) return undefined
  const blank = line.indexOf(BLANK, from)
  return blank < 0
    ? { keyword: line.toString("latin1", from, line.length), args: none }
    : { keyword: line.toString("latin1", from, blank), args: line.subarray(blank + 1) }
}

/** The number of an ERR line: 1 to 10 digits, not 0 (gpg dies on 0), at most 32 bits; `undefined` for anything else. */
const readError = (line: Buffer): Reply | undefined => {
  let value = 0
  let at = 4
  for (; at < line.length && line[at] !== BLANK; at++) {
    const digit = line[at]! - 0x30
    if (digit < 0 || digit > 9 || at === 14) return undefined
    value = value * 10 + digit
  }
  return value > 0 && value <= 0xffffffff ? { kind: "err", value, text: behind(line, at) } : undefined
}

const withKeyword = (kind: "status" | "inquire", line: Buffer, from: number): Reply | undefined => {
  const read = keywordOf(line, from)
  return read === undefined ? undefined : { kind, ...read }
}

/** Parses one line of a server; `undefined` for what no Assuan server says. */
export const parseReply = (line: Buffer): Reply | undefined => {
  switch (line[0]) {
    case undefined:
    case 0x23: // an empty line or #
      return { kind: "comment" }
    case 0x4f: // OK
      return line[1] === 0x4b && endsAt(line, 2) ? { kind: "ok", text: behind(line, 2) } : undefined
    case 0x44: // D
      return line[1] === BLANK ? { kind: "data", payload: line.subarray(2) } : undefined
    case 0x53: // S
      return line[1] === BLANK ? withKeyword("status", line, 2) : undefined
    case 0x45: // ERR
      return line[1] === 0x52 && line[2] === 0x52 && line[3] === BLANK ? readError(line) : undefined
    case 0x49: // INQUIRE
      return line.toString("latin1", 0, 8) === "INQUIRE " ? withKeyword("inquire", line, 8) : undefined
    default:
      return undefined
  }
}

/** `OK` alone. */
export const OK_LINE: Buffer = Buffer.from("OK\n")

const line = (text: string): Buffer => Buffer.from(`${text.slice(0, MAX_LINE_OUT)}\n`, "latin1")

/** `OK text`; the text is plain ASCII of our own. */
export const okLine = (text: string): Buffer => line(`OK ${text}`)

/**
 * `ERR <value> <text> <GPG Agent>[ - detail]`, the form in which libassuan writes it. The detail is ASCII of our own,
 * for people with a raw connection; gpg shows its own text for the number.
 */
export const errLine = (error: GpgError, detail?: string): Buffer =>
  line(`ERR ${error.value} ${error.text} <GPG Agent>${detail === undefined ? "" : ` - ${detail}`}`)

/** `S <keyword> <args>`. */
export const statusLine = (keyword: string, args: string): Buffer => line(`S ${keyword} ${args}`)

/** `INQUIRE <keyword>[ args]`. */
export const inquireLine = (keyword: string, args = ""): Buffer =>
  line(args === "" ? `INQUIRE ${keyword}` : `INQUIRE ${keyword} ${args}`)
