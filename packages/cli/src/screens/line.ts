// What a screen is made of: lines that fit, whatever stands in them. Pure; how a face looks, and whether it does at all, is for
// whoever prints.
import { columnsOf, tidy, wrap } from "@gripgate/proxy/shown/lines"

/** One line. Everything is readable without its face. */
export interface Line {
  readonly text: string
  readonly face?: "bold" | "dim" | "inverse"
}

/** What a screen is drawn for. */
export interface View {
  readonly columns: number
  /** In milliseconds since 1970, as all times here. */
  readonly now: number
  /** Minutes by which local time is ahead of UTC at a time. */
  readonly offset: (at: number) => number
}

/** Below this many columns there is no room for what is only nice to have. */
export const isNarrow = ({ columns }: View): boolean => columns < 60

/** The text, or as much of its beginning as there is room for, with an ellipsis. */
export const fit = (text: string, columns: number): string => {
  if (columnsOf(text) <= columns) return text
  const ellipsis = "...".slice(0, Math.max(0, columns))
  let left = columns - ellipsis.length
  let kept = ""
  for (const character of text) {
    left -= columnsOf(character)
    if (left < 0) break
    kept += character
  }
  return kept + ellipsis
}

/** The text with blanks behind it up to a column. */
export const padded = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - columnsOf(text)))

/** What came from elsewhere in one harmless line of at most this many characters: nobody reads more of a user id. */
export const word = (text: string, characters = 400): string => {
  const whole = Array.from(tidy(text))
  return whole.length <= characters ? whole.join("") : `${whole.slice(0, characters - 3).join("")}...`
}

/** The last thing done to a screen: no line is wider than it, whatever is wrong above. */
export const within = (lines: ReadonlyArray<Line>, { columns }: View): ReadonlyArray<Line> =>
  lines.map((line) => columnsOf(line.text) <= columns ? line : { ...line, text: fit(line.text, columns) })

/** `label  text`, with further lines of the text below its first. */
export const labelled = (
  label: string,
  text: string,
  { columns }: View,
  { indent, width }: { readonly indent: number; readonly width: number }
): ReadonlyArray<Line> => {
  const before = indent + width
  return wrap(text, Math.max(2, columns - before)).map((part, index) => ({
    text: `${" ".repeat(indent)}${padded(index === 0 ? label : "", width)}${part}`
  }))
}

/** A sentence in as many lines as it needs. */
export const sentence = (text: string, { columns }: View, face?: Line["face"]): ReadonlyArray<Line> =>
  wrap(text, Math.max(2, columns)).map((part) => face === undefined ? { text: part } : { text: part, face })

/** `1 question`, `2 questions`. */
export const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
