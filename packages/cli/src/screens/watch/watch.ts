// The live screen as a whole: as many lines as the terminal has rows, whatever its size. The question that a key would answer
// has what room there is; decisions have what is left of it, but a few lines on a screen that is large enough.
import { type Line, within, word } from "../line.ts"
import { ALL_SAID, questionLines } from "../question.ts"
import { bottomLine, helpLines } from "./bottom.ts"
import { markedOf, type WatchScreen } from "./data.ts"
import { decidedLines, header, listLines, pauseLines, rule } from "./parts.ts"

/** Rows for each part; with the header and the bottom line they are all that there are. */
interface Layout {
  readonly list: ReadonlyArray<Line>
  /** All lines about the marked question. */
  readonly details: ReadonlyArray<Line>
  /** How many of them are shown. */
  readonly room: number
  readonly paused: ReadonlyArray<Line>
  readonly decided: ReadonlyArray<Line>
}

/** Lines of decisions that a large screen has in any case, with the rule above them. */
const DECIDED = 5

const layoutOf = (screen: WatchScreen): Layout => {
  const { rows } = screen
  const body = Math.max(0, rows - 2)
  const list = listLines(screen, Math.max(1, Math.min(10, Math.floor(body / 3))))
  const question = markedOf(screen)
  const details = question === undefined ? [] : questionLines(question, screen, { indent: 0, said: ALL_SAID })
  const paused = pauseLines(screen, Math.floor(body / 10))
  const rest = Math.max(0, body - list.length - paused.length)
  // a rule above the details, and one above the decisions
  const wanted = screen.decided.length === 0 ? 0 : screen.decided.length + 1
  const spare = rest - details.length - (question === undefined ? 0 : 1)
  const least = rest >= 3 * DECIDED || question === undefined ? DECIDED : 0
  const many = Math.min(wanted, rest, Math.max(spare, least))
  const decided = many < 2 ? [] : [rule("decided", "", screen), ...decidedLines(screen, many - 1)]
  return { list, details, room: Math.max(0, rest - decided.length - 1), paused, decided }
}

/** How many lines of the details are shown at once, and the last line from which they can be shown. */
export const pageOf = (screen: WatchScreen): { readonly size: number; readonly last: number } => {
  const { details, room } = layoutOf(screen)
  return { size: room, last: Math.max(0, details.length - room) }
}

/** As many lines as there are rows. */
export const watchScreen = (screen: WatchScreen): ReadonlyArray<Line> => {
  const { rows } = screen
  const bottom = bottomLine(screen)
  if (rows < 2) return within([bottom], screen).slice(0, rows)
  const body = (screen.help ? helpLines(screen) : partsOf(screen)).slice(0, rows - 2)
  const blank = Array.from({ length: rows - 2 - body.length }, (): Line => ({ text: "" }))
  return within([header(screen), ...body, ...blank, bottom], screen)
}

const partsOf = (screen: WatchScreen): ReadonlyArray<Line> => {
  const { decided, details, list, paused, room } = layoutOf(screen)
  const question = markedOf(screen)
  if (question === undefined) return [...list, ...paused, ...decided]
  const from = Math.min(screen.from, Math.max(0, details.length - room))
  const shown = details.slice(from, from + room)
  const at = screen.asks.indexOf(question) + 1
  const name = `${word(question.id, 64)}${screen.asks.length === 1 ? "" : `, ${at} of ${screen.asks.length}`}`
  const more = shown.length === details.length
    ? ""
    : `${from + 1}-${from + shown.length} of ${details.length}, ${from + room < details.length ? "PgDn" : "PgUp"}`
  return [...list, ...paused, rule(name, more, screen), ...shown, ...decided]
}
