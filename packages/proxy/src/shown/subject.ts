// What a person is told of a use: who wants it, how he was recognised, what for, with which key. The first lines are the
// gate's; what a client says itself comes behind them, each of its lines marked. Pure: nothing here talks to anybody.
import type { Operation } from "@gripgate/protocol/operation"
import type { KeyInfo } from "../keys/key-directory.ts"
import { clip, quoted, tidy, WIDTH, wrap } from "./lines.ts"
import { purposeOf } from "./purpose.ts"

/** What is told of. */
export interface Subject {
  /** `undefined` for whoever is no app. */
  readonly app: string | undefined
  /** The client in words, as it is known; not harmless to show. */
  readonly how: string
  readonly operations: ReadonlyArray<Operation>
  /** Those of them that need the owner's yes; absent where he is not asked. */
  readonly asked?: ReadonlyArray<Operation>
  /** The command's name, `SCD PKSIGN` for one inside SCD. */
  readonly command: string
  readonly keys: ReadonlyArray<KeyInfo>
}

/** Keys that are named; an agent's command uses at most two. */
const MAX_KEYS = 2

/** What a client says itself: characters, and lines of the dialog. */
const MAX_SAID = 400
const MAX_SAID_LINES = 8

/** What stands before each line of a client's text. */
export const MARK = "| "

/**
 * An app's name: whole, or two apps could be cut to the same one. A dialog of Qt takes a text for HTML if its first line has
 * something like a tag or an entity in it (Qt::mightBeRichText), so neither can stand there.
 */
export const nameOf = (app: string): string =>
  quoted(app.replace(/[<&]/g, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`), 64, 96)

const whoIs = (app: string | undefined): string =>
  app === undefined ? "a program that is no app of the policy" : `the app ${nameOf(app)}`

/** A key by its id, and what its certificate says of whose it is. */
export const keyOf = ({ keyId, keygrip, userId }: KeyInfo): string => {
  const id = keyId === undefined ? `keygrip ${keygrip}` : clip(tidy(keyId), 40, 40)
  return userId === undefined ? `Key: ${id}` : `Key: ${id}, ${quoted(userId, 80, 120)}`
}

/**
 * Lines after the first of one thing are marked, so that none of them looks like another. Blanks would not do: pinentry-curses
 * drops them at the start of a line (pinentry-curses.c collect_line).
 */
export const hanging = (line: string): ReadonlyArray<string> =>
  wrap(line, WIDTH - REST.length).map((part, index) => index === 0 ? part : REST + part)

const REST = ".. "

/** The gate's own lines. */
export const linesOf = (subject: Subject): ReadonlyArray<string> => [
  `gripgate: ${whoIs(subject.app)} wants to ${purposeOf(subject.command, subject.operations, subject.asked)}`,
  ...hanging(`Who: ${quoted(subject.how, 160, 160)}`),
  ...subject.keys.slice(0, MAX_KEYS).flatMap((key) => hanging(keyOf(key))),
  ...(subject.keys.length > MAX_KEYS ? [`and ${subject.keys.length - MAX_KEYS} more keys`] : [])
]

/** A client's text as marked lines, at most 8 of them and 400 characters. */
export const saidLines = (text: string): ReadonlyArray<string> => {
  const lines = clip(text, MAX_SAID, Number.POSITIVE_INFINITY)
    .split(/\r?\n/)
    .flatMap((line) => wrap(tidy(line), WIDTH - MARK.length))
    .map((line) => MARK + line)
  return lines.length > MAX_SAID_LINES ? [...lines.slice(0, MAX_SAID_LINES - 1), `${MARK}...`] : lines
}
