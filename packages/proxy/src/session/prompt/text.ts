// The texts of the agent's own pinentry, in the agent's escaping: the gate's lines, and what a client says behind them.
import { decode, encode, encodedLength } from "../../shown/escape.ts"
import { clip, tidy } from "../../shown/lines.ts"
import { linesOf, MARK, nameOf, saidLines, type Subject } from "../../shown/subject.ts"

/** Bytes of a text that a line has room for, with one of the agent's own notes before it. */
const MAX_TEXT = 900

/** Characters of an error that a client shows. */
const MAX_ERROR = 80

/** Lines as one text in the agent's escaping. */
export const textOf = (lines: ReadonlyArray<string>): Buffer => Buffer.from(encode(lines.join("\n")))

/** The line that gives the next prompt for a key its text: at most 1000 bytes and LF. */
export const keydescLine = (subject: Subject): Buffer =>
  Buffer.concat([Buffer.from("SETKEYDESC "), textOf(linesOf(subject)), Buffer.from("\n")])

/** The word that stands for no text (GnuPG agent/command.c cmd_get_passphrase, cmd_get_confirmation). */
const isNone = (bytes: Buffer): boolean => bytes.length === 1 && bytes[0] === 0x58

/** What a client says in a text, decoded; not harmless to show. */
export const wordsOf = (text: unknown): string => text instanceof Buffer && !isNone(text) ? decode(text) : ""

/** As many lines as fit, and a mark for those that do not; none where there is no room for that mark. */
const fitting = (lines: ReadonlyArray<string>, room: number): ReadonlyArray<string> => {
  const lengths = lines.map((line) => encodedLength(`\n${line}`))
  if (lengths.reduce((sum, length) => sum + length, 0) <= room) return lines
  let left = room - encodedLength(`\n${MARK}...`)
  if (left < 0) return []
  const fits = lengths.findIndex((length) => (left -= length) < 0)
  return [...lines.slice(0, fits), `${MARK}...`]
}

/**
 * A client's text, framed: the gate's lines, and behind them what the client says, decoded, cleaned and marked. The same
 * escaping again, at most `room` bytes; the gate's own lines are never cut.
 */
export const framedText = (subject: Subject, said: Buffer, room: number = MAX_TEXT): Buffer => {
  const ours = linesOf(subject)
  const head = [...ours, "It says:"]
  const theirs = isNone(said) ? [] : fitting(saidLines(decode(said)), room - encodedLength(head.join("\n")))
  return textOf(theirs.length === 0 ? ours : [...head, ...theirs])
}

/** The text of an error that a client shows in its prompt, in one line behind the client's name. */
export const framedError = (subject: Subject, said: Buffer): Buffer => {
  const text = isNone(said) ? "" : clip(tidy(decode(said)), MAX_ERROR, 100)
  if (text === "") return Buffer.from("X")
  return Buffer.from(encode(`${subject.app === undefined ? "a program" : nameOf(subject.app)} says: ${text}`))
}
