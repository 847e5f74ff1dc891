// A client's lines inside an inquiry: data, the end, or a cancel. libassuan takes `d`, `end junk`, `CANDY`; whatever it
// would take for something else makes the answers be off by one from there on (libassuan assuan-inquire.c), and is a
// violation here.

/** One line of an answer. `payload` is still escaped. */
export type AnswerLine =
  | { readonly kind: "data"; readonly payload: Buffer }
  | { readonly kind: "end" }
  | { readonly kind: "cancel" }
  | { readonly kind: "ignore" }
  | { readonly kind: "violation" }

const END: AnswerLine = { kind: "end" }
const CANCEL: AnswerLine = { kind: "cancel" }
const IGNORE: AnswerLine = { kind: "ignore" }
const VIOLATION: AnswerLine = { kind: "violation" }

const upper = (byte: number | undefined): number => byte === undefined ? 0 : byte & 0xdf

/** Parses one line that a client sends while an inquiry is open. */
export const parseAnswerLine = (line: Buffer): AnswerLine => {
  if (line.length === 0 || line[0] === 0x23) return IGNORE
  const first = upper(line[0])
  if (first === 0x44 && line[1] === 0x20) return { kind: "data", payload: line.subarray(2) }
  if (first === 0x45 && upper(line[1]) === 0x4e && upper(line[2]) === 0x44) {
    return line.length === 3 || line[3] === 0x20 ? END : VIOLATION
  }
  if (first === 0x43 && upper(line[1]) === 0x41 && upper(line[2]) === 0x4e) return CANCEL
  return VIOLATION
}

/** The lines a gate ends or cancels an answer with. */
export const END_LINE: Buffer = Buffer.from("END\n")
export const CAN_LINE: Buffer = Buffer.from("CAN\n")
