// The parts of the live screen: the header, the list of questions, and the last decisions.
import type { AskedQuestion, Decided } from "@gripgate/proxy/control/message/asked"
import { columnsOf } from "@gripgate/proxy/shown/lines"
import { pauseTexts } from "../asks.ts"
import { fit, type Line, padded, sentence, type View, word } from "../line.ts"
import { ageOf, appOf, type Good, holdsText, keyOf, operationsOf } from "../question.ts"
import { placeText } from "../status.ts"
import { table } from "../table.ts"
import { clock, timeOf } from "../time.ts"
import type { WatchScreen } from "./data.ts"

/** Counts and place on the left, the clock on the right. */
export const header = (screen: WatchScreen): Line => {
  const { asks, columns, gone, now, place } = screen
  const waiting = asks.filter(({ state }) => state === "waiting").length
  const counts = gone === undefined
    ? `${asks.length - waiting} asked${waiting === 0 ? "" : `, ${waiting} in line`}`
    : "no gate"
  const where = place === undefined || gone !== undefined ? undefined : placeText(place)
  const time = clock(now, screen)
  const room = columns - columnsOf(time) - 2
  const texts = [` gripgate  ${counts}  shown on ${where}`, ` gripgate  ${counts}`, ` ${counts}`]
    .slice(where === undefined ? 1 : 0)
  const before = texts.find((text) => columnsOf(text) <= room) ?? texts.at(-1)!
  return { text: fit(`${padded(fit(before, room), room)} ${time} `, columns), face: "inverse" }
}

const heads = [
  { title: "", most: 1 },
  { title: "", most: 6 },
  { title: "", most: 24 },
  { title: "", most: 14 },
  { title: "", most: 16, from: 60 },
  { title: "", most: 60 }
]

/** A row for each question, those around the marked one where there is no room for all. */
export const listLines = (screen: WatchScreen, most: number): ReadonlyArray<Line> => {
  const { asks, gone, marked } = screen
  if (gone !== undefined) {
    return [...sentence(word(gone), screen), { text: "looking for it each second" }]
  }
  if (asks.length === 0) return [{ text: "nothing is asked" }]
  const at = asks.findIndex(({ id }) => id === marked)
  const first = Math.max(0, Math.min(at - Math.floor(most / 2), asks.length - most))
  const shown = asks.slice(first, first + most)
  const { rows } = table(heads, shown.map((ask) => row(ask, ask.id === marked, screen)), screen.columns)
  return rows.map((text, index) =>
    shown[index]!.id === marked ? { text: padded(text, screen.columns), face: "inverse" } : { text }
  )
}

const row = (question: AskedQuestion, marked: boolean, view: View): ReadonlyArray<string> => [
  marked ? ">" : " ",
  word(question.id, 6),
  appOf(question.app),
  operationsOf(question),
  keyOf(question),
  ageOf(question, view)
]

const endings = {
  timeout: "no answer in time",
  unavailable: "nobody could be asked",
  paused: "pause: nobody was asked",
  withdrawn: "the program went away",
  stopped: "the gate stopped"
} as const

const outcome = ({ answer, good, through }: Decided): string => {
  if (answer !== "yes" && answer !== "no") return endings[answer]
  const by = through === null ? "" : ` (${word(through, 20)})`
  if (answer === "no" && good === "always") return `never${by}`
  return `${holdsText(answer, goodOf(good))}${by}`
}

const goodOf = (good: Decided["good"]): Good => typeof good === "number" || good === "always" ? good : "once"

const decidedHeads = [
  { title: "", most: 8 },
  { title: "", most: 6, from: 60 },
  { title: "", most: 20 },
  { title: "", most: 20, from: 60 },
  { title: "", most: 16, from: 100 },
  { title: "", most: 60 }
]

/** A line for each pause, and where there is no room for all, how many more there are. */
export const pauseLines = (screen: WatchScreen, most: number): ReadonlyArray<Line> => {
  const texts = pauseTexts(screen.paused, screen)
  if (texts.length <= most) return texts.map((text) => ({ text }))
  return most === 0
    ? []
    : [...texts.slice(0, most - 1), `and ${texts.length - most + 1} more pauses`].map((text) => ({ text }))
}

/** The last decisions, the newest first. */
export const decidedLines = (screen: WatchScreen, most: number): ReadonlyArray<Line> => {
  const rows = screen.decided.slice(0, most).map((decided) => [
    clock(timeOf(decided.at), screen),
    word(decided.id, 6),
    appOf(decided.app),
    word(decided.purpose, 40),
    word(decided.keyId ?? decided.key ?? "-", 16),
    outcome(decided)
  ])
  return table(decidedHeads, rows, screen.columns).rows.map((text) => ({ text }))
}

/** `-- text -------- more --`, across the screen. */
export const rule = (text: string, more: string, { columns }: View): Line => {
  const end = more === "" || columnsOf(text) + columnsOf(more) + 8 > columns ? "--" : ` ${more} --`
  const start = fit(`-- ${text} `, Math.max(0, columns - columnsOf(end)))
  return { text: `${start}${"-".repeat(Math.max(0, columns - columnsOf(start + end)))}${end}`, face: "dim" }
}
