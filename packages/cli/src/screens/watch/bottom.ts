// The bottom line of the live screen: the keys that are offered, what is to be confirmed, or what came of an answer. And the help.
import { columnsOf } from "@gripgate/proxy/shown/lines"
import { fit, labelled, type Line, word } from "../line.ts"
import { offeredTime } from "../question.ts"
import { markedOf, type WatchScreen } from "./data.ts"

const GAP = "  "

/** As many as fit, of which those with the highest rank stay longest. */
const keysText = (keys: ReadonlyArray<readonly [rank: number, text: string]>, columns: number): string => {
  let kept = keys
  const text = () => kept.map(([, each]) => each).join(GAP)
  while (kept.length > 1 && columnsOf(text()) > columns) {
    const lowest = Math.min(...kept.map(([rank]) => rank))
    kept = kept.filter(([rank]) => rank !== lowest)
  }
  return fit(text(), columns)
}

/** Every key that does something now. */
const keysOf = (screen: WatchScreen): ReadonlyArray<readonly [number, string]> => {
  const question = markedOf(screen)
  const always = [[9, "? help"], [5, "q quit"]] as const
  const choose = screen.asks.length > 1 ? [[1, "up/down choose"] as const] : []
  if (question === undefined || question.state === "waiting") return [...choose, ...always]
  const time = offeredTime(question)
  return [
    [8, "y once"],
    ...time === undefined ? [] : [[7, `w ${time}`] as const],
    [8, "n no"],
    ...question.offers.always ? [[3, "A always"], [2, "N never"]] as const : [],
    ...choose,
    ...always
  ]
}

export const bottomLine = (screen: WatchScreen): Line => {
  const { columns, confirm, help, marked, message } = screen
  const line = (text: string): Line => ({ text: fit(text, columns), face: "bold" })
  if (help) return line("any key goes back")
  if (confirm !== undefined) return line(`${word(marked ?? "", 6)} ${confirm}? y confirms, others do not`)
  if (message !== undefined) return line(word(message))
  return { text: keysText(keysOf(screen), columns) }
}

const help: ReadonlyArray<readonly [string, string]> = [
  ["y", "yes, for this once"],
  ["w", "yes, and for a while the same app may do the same with the same key"],
  ["n", "no, for this once"],
  ["A", "yes, always; it asks again"],
  ["N", "no, and never ask; it asks again"],
  ["up, down", "choose the question that is answered"],
  ["PgUp, PgDn", "read the rest of it"],
  ["Ctrl-L", "draw the screen again"],
  ["Ctrl-Z", "leave it for a moment, and come back with fg"],
  ["q, Ctrl-C", "quit; what waits goes on waiting"],
  ["", "No answer in time is a no. What stands behind | is the program's own word."],
  ["", "For half a second after another question has come under the mark no key answers."],
  ["", "gripgate grants lists what holds for longer, and gripgate revoke takes it back."]
]

export const helpLines = (screen: WatchScreen): ReadonlyArray<Line> =>
  help.flatMap(([key, text]) => labelled(key, text, screen, { indent: 1, width: 12 }))
