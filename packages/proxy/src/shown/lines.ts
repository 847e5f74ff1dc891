// Text from elsewhere, cut to lines that can stand in a dialog beside lines of the gate: harmless, bounded, and broken here
// rather than by the window, whose second half of a line could else look like a line of the gate.
import { harmless } from "@gripgate/policy/harmless"
import { encodedLength } from "./escape.ts"

/** Where lines are broken, in columns; a pinentry's window is wider. */
export const WIDTH = 56

/** What stands for the rest of a text that was cut. ASCII: a pinentry on a terminal may have no other characters. */
const ELLIPSIS = "..."

/** Harmless, in one line, with single blanks: a row of them could push what follows to the next line of the window. */
export const tidy = (text: string): string =>
  harmless(text.replace(/\r\n|[\n\t\p{Zs}\u2800]/gu, " ").replace(/ +/g, " ")).trim()

/** At most `characters` characters, which need at most `bytes` bytes when they are encoded, with an ellipsis if cut. */
export const clip = (text: string, characters: number, bytes: number): string => {
  const all = Array.from(text)
  if (all.length <= characters && encodedLength(text) <= bytes) return text
  let left = bytes - ELLIPSIS.length
  let kept = 0
  while (kept < all.length && kept < characters - ELLIPSIS.length) {
    left -= encodedLength(all[kept]!)
    if (left < 0) break
    kept++
  }
  return all.slice(0, kept).join("") + ELLIPSIS
}

/** Double quotes, and what looks like one. */
const doubleQuotes = /["\u02ba\u02dd\u02ee\u05f4\u201c-\u201f\u2033\u2036\u275d\u275e\u3003\u301d-\u301f\uff02]/g

/** Between double quotes that nothing inside can close. */
export const quoted = (text: string, characters: number, bytes: number): string =>
  `"${clip(tidy(text).replace(doubleQuotes, "'"), characters, bytes)}"`

/** Columns of a text: whatever is not ASCII may need two. */
export const columnsOf = (text: string): number => {
  let columns = 0
  for (const character of text) columns += character < "\x80" ? 1 : 2
  return columns
}

/** Breaks one line at blanks, or within a word where that would leave half of it empty. No line needs more than `width` columns. */
export const wrap = (line: string, width: number = WIDTH): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let current: Array<string> = []
  let columns = 0
  for (const character of line) {
    if (columns + columnsOf(character) > width) {
      const blank = current.lastIndexOf(" ")
      const rest = 2 * blank > current.length ? current.splice(blank).slice(1) : []
      lines.push(current.join(""))
      current = rest
      columns = current.reduce((sum, each) => sum + columnsOf(each), 0)
    }
    if (character === " " && current.length === 0) continue
    current.push(character)
    columns += columnsOf(character)
  }
  if (current.length > 0) lines.push(current.join(""))
  return lines
}
