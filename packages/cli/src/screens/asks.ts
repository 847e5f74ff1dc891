// What `gripgate asks` prints: every open question, those in line, who is not asked for, and how to answer.
import type { AskedQuestion } from "@gripgate/proxy/control/message/asked"
import type { Status } from "@gripgate/proxy/control/message/status"
import { isNarrow, type Line, sentence, type View, within, word } from "./line.ts"
import { ageOf, appOf, FEW_SAID, keyOf, offeredTime, operationsOf, questionLines } from "./question.ts"
import { table } from "./table.ts"
import { clock, left, timeOf } from "./time.ts"

const heads = [
  { title: "", most: 6 },
  { title: "", most: 24 },
  { title: "", most: 14 },
  { title: "", most: 16, from: 60 },
  { title: "", most: 60 }
]

const cells = (question: AskedQuestion, view: View): ReadonlyArray<string> => [
  word(question.id, 6),
  appOf(question.app),
  operationsOf(question),
  keyOf(question),
  ageOf(question, view)
]

/** Questions with all that is known of them, a blank line between two. */
const blocks = (asked: ReadonlyArray<AskedQuestion>, view: View): ReadonlyArray<Line> => {
  const { rows } = table(heads, asked.map((question) => cells(question, view)), view.columns)
  return asked.flatMap((question, index) => [
    ...index === 0 ? [] : [{ text: "" }],
    { text: rows[index]!, face: "bold" as const },
    ...questionLines(question, view, { indent: isNarrow(view) ? 2 : 6, said: FEW_SAID })
  ])
}

/** For whom nobody is asked; whose name it is may be long, and stands last. */
export const pauseTexts = (paused: Status["paused"], view: View): ReadonlyArray<string> =>
  paused.map(({ asker, until }) =>
    `nobody is asked until ${clock(timeOf(until), view)} (${left(until, view)}) for ${word(asker)}`
  )

/** Those in line, by whose they are. */
const inLine = (asked: ReadonlyArray<AskedQuestion>, view: View): ReadonlyArray<Line> => {
  const waiting = asked.filter(({ state }) => state === "waiting")
  return [...new Set(waiting.map(({ app }) => app))].flatMap((app) => {
    const count = waiting.filter((each) => each.app === app).length
    const open = asked.filter((each) => each.app === app && each.state === "open").length
    return sentence(`${count} more in line: ${app === null ? "what is no app" : word(app)} has ${open} open`, view)
  })
}

/** How to answer, naming nothing that is not offered; the one ID where there is but one. */
const howTo = (open: ReadonlyArray<AskedQuestion>): string => {
  const id = open.length === 1 ? word(open[0]!.id, 64) : "ID"
  const times = new Set(open.map(offeredTime).filter((time) => time !== undefined))
  const always = open.some(({ offers }) => offers.always)
  const yes = [...times.size === 1 ? [...times] : times.size > 1 ? ["TIME"] : [], ...always ? ["always"] : []]
  const how = yes.length === 0 ? "" : ` [--for ${yes.join("|")}]`
  return `answer: gripgate approve ${id}${how}, gripgate deny ${id}${always ? " [--never]" : ""}`
}

/** The whole screen; `paused` is what the gate's status says. */
export const asksScreen = (
  asked: ReadonlyArray<AskedQuestion>,
  paused: Status["paused"],
  view: View
): ReadonlyArray<Line> => {
  const open = asked.filter(({ state }) => state === "open")
  const rest = [...inLine(asked, view), ...pauseTexts(paused, view).flatMap((text) => sentence(text, view))]
  if (asked.length === 0) return within([{ text: "nothing is asked" }, ...rest], view)
  if (open.length === 0) return within(rest, view)
  const answer = [...sentence("no answer in time is a no", view), ...sentence(howTo(open), view)]
  return within([...blocks(open, view), { text: "" }, ...rest, ...answer], view)
}

/** The question that was answered, and what holds now. */
export const answeredScreen = (question: AskedQuestion, holds: string, view: View): ReadonlyArray<Line> =>
  within([...blocks([question], view), { text: "" }, ...sentence(`answered: ${holds}`, view, "bold")], view)
