// The two streams of the terminal. A reader that has gone away (`gripgate check ... | head -1`) is no error, and what is
// written after that goes nowhere.
import { harmless } from "@gripgate/policy/harmless"
import * as Effect from "effect/Effect"
import { styleText } from "node:util"
import type { Complaint } from "./failure.ts"
import type { Line } from "./screens/line.ts"

let gone: (() => void) | undefined
const closed = new Promise<void>((resolve) => gone = resolve)

/** Never throws for what happens to a stream; to be called once, before anything is written. */
export const tameStreams = (): void => {
  process.stdout.on("error", () => gone?.())
  process.stderr.on("error", () => {})
}

/** Ends when nobody reads stdout any more. */
export const readerGone: Effect.Effect<void> = Effect.promise(() => closed)

/** Writes a text and a line feed to stdout. */
export const print = (text: string): Effect.Effect<void> => Effect.sync(() => void process.stdout.write(`${text}\n`))

/** Writes a text and a line feed to stderr. */
export const printError = (text: string): Effect.Effect<void> => Effect.sync(() => complain(text))

const complain = (text: string): void => void process.stderr.write(`${text}\n`)

/** `gripgate: error: ...`, and the hint. Each line of a longer message has the prefix, so that none is lost in a log. */
export const printComplaint = ({ hint, message }: Complaint): void => {
  for (const line of message.split("\n")) complain(`gripgate: ${red("error:")} ${line}`)
  if (hint !== undefined) { for (const line of hint.split("\n")) complain(`gripgate: hint: ${line}`) }
}

/** A bug is told in full: whoever reports it has nothing else. */
export const printBug = (what: string): void => {
  complain(`gripgate: ${red("bug:")} this should not have happened; please report it to the project with these lines:`)
  for (const line of what.split("\n")) complain(`gripgate: bug: ${line}`)
}

const red = (text: string): string => styleText("red", text, { stream: process.stderr })

/** Text in bold face where stdout is a terminal that wants it (NO_COLOR, TERM and FORCE_COLOR are honoured). */
export const bold = (text: string): string => styleText("bold", text, { stream: process.stdout })

/** Lines of a screen, with their faces where stdout is a terminal that wants them. */
export const printLines = (lines: ReadonlyArray<Line>): Effect.Effect<void> =>
  Effect.suspend(() => print(lines.map(faced).join("\n")))

/** A line of a screen as it is written to stdout. */
export const faced = ({ face, text }: Line): string =>
  face === undefined ? text : styleText(face, text, { stream: process.stdout })

/** Writes bytes to stdout that may be a secret, and says whether they arrived; the caller wipes them afterwards. */
export const writeBytes = (bytes: Buffer): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    process.stdout.write(bytes, (error) => resume(Effect.succeed(error === undefined || error === null)))
  })

/** A value as JSON, indented. */
export const printJson = (value: unknown): Effect.Effect<void> => Effect.suspend(() => print(jsonText(value, 2)))

/** A value as JSON. What a terminal could obey is escaped, as JSON may have every character escaped. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(/[^\x20-\x7e\n]/gu, escapedInJson)

const escapedInJson = (character: string): string =>
  harmless(character) === character
    ? character
    : Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`
    ).join("")
