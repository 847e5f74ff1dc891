// The texts that a person sees in the agent's own pinentry: who asks, for what, with which key. The first lines are the
// gate's; what a client says itself comes behind them, each of its lines marked. Pure: nothing here talks to anybody.
import type { Operation } from "@gripgate/protocol/operation"
import type { KeyInfo } from "../../keys/key-directory.ts"
import { decode, encode, encodedLength } from "./escape.ts"
import { clip, quoted, tidy, WIDTH, wrap } from "./lines.ts"
import { purposeOf } from "./purpose.ts"

/** What a prompt is about. */
export interface Subject {
  /** `undefined` for whoever is no app. */
  readonly app: string | undefined
  /** The client in words, as it is known; not harmless to show. */
  readonly how: string
  readonly operations: ReadonlyArray<Operation>
  /** The command's name, `SCD PKSIGN` for one inside SCD. */
  readonly command: string
  readonly keys: ReadonlyArray<KeyInfo>
}

/** Bytes of a text that a line has room for, with one of the agent's own notes before it. */
const MAX_TEXT = 900

/** Keys that are named; an agent's command uses at most two. */
const MAX_KEYS = 2

/** What a client says itself: characters, and lines of the dialog. */
const MAX_SAID = 400
const MAX_SAID_LINES = 8
const MAX_ERROR = 80

/** What stands before each line of a client's text. */
const MARK = "| "

/**
 * An app's name: whole, or two apps could be cut to the same one. A dialog of Qt takes a text for HTML if its first line has
 * something like a tag or an entity in it (Qt::mightBeRichText), so neither can stand there.
 */
const nameOf = (app: string): string =>
  quoted(app.replace(/[<&]/g, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`), 64, 96)

const whoIs = (app: string | undefined): string =>
  app === undefined ? "a program that is no app of the policy" : `the app ${nameOf(app)}`

const keyOf = ({ keyId, keygrip, userId }: KeyInfo): string => {
  const id = keyId === undefined ? `keygrip ${keygrip}` : clip(tidy(keyId), 40, 40)
  return userId === undefined ? `Key: ${id}` : `Key: ${id}, ${quoted(userId, 80, 120)}`
}

/** Lines after the first of one thing stand in, so that none of them looks like another. */
const hanging = (line: string): ReadonlyArray<string> =>
  wrap(line, WIDTH).map((part, index) => index === 0 ? part : `  ${part}`)

/** The gate's own lines. */
export const linesOf = (subject: Subject): ReadonlyArray<string> => [
  `gripgate: ${whoIs(subject.app)} wants to ${purposeOf(subject.command, subject.operations)}`,
  ...hanging(`Who: ${quoted(subject.how, 160, 160)}`),
  ...subject.keys.slice(0, MAX_KEYS).flatMap((key) => hanging(keyOf(key))),
  ...(subject.keys.length > MAX_KEYS ? [`and ${subject.keys.length - MAX_KEYS} more keys`] : [])
]

/** Lines as one text in the agent's escaping. */
export const textOf = (lines: ReadonlyArray<string>): Buffer => Buffer.from(encode(lines.join("\n")))

/** The line that gives the next prompt for a key its text: at most 1000 bytes and LF. */
export const keydescLine = (subject: Subject): Buffer =>
  Buffer.concat([Buffer.from("SETKEYDESC "), textOf(linesOf(subject)), Buffer.from("\n")])

/** The word that stands for no text (GnuPG agent/command.c cmd_get_passphrase, cmd_get_confirmation). */
const isNone = (bytes: Buffer): boolean => bytes.length === 1 && bytes[0] === 0x58

/** A client's text as marked lines, at most 8 of them and 400 characters. */
const saidLines = (text: string): ReadonlyArray<string> => {
  const lines = clip(text, MAX_SAID, Number.POSITIVE_INFINITY)
    .split(/\r?\n/)
    .flatMap((line) => wrap(tidy(line), WIDTH - MARK.length))
    .map((line) => MARK + line)
  return lines.length > MAX_SAID_LINES ? [...lines.slice(0, MAX_SAID_LINES - 1), `${MARK}...`] : lines
}

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
