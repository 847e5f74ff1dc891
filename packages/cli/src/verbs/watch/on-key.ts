// What a key does in `gripgate watch`. Pure.
import { type Good, holdsText } from "../../screens/question.ts"
import { markedOf } from "../../screens/watch/data.ts"
import { pageOf } from "../../screens/watch/watch.ts"
import type { Key } from "./keys.ts"
import { DEAF, type Model, said, type Step } from "./model.ts"

type AnswerKey = "char:y" | "char:w" | "char:n" | "char:A" | "char:N"

/** The smallest terminal in which one sees what one answers. */
const LEAST = { columns: 30, rows: 6 }

export const onKey = (before: Model, key: Key): Step => {
  const model = { ...before, message: undefined }
  switch (key) {
    case "interrupt":
      return [model, [{ kind: "quit", how: "interrupt" }]]
    case "suspend":
      return [model, [{ kind: "suspend" }]]
    case "redraw":
      return [before, [{ kind: "redraw" }]]
    default:
      // what came meanwhile is seen only now
      if (model.help) return [{ ...model, help: false, deafUntil: model.now + DEAF }, []]
      return model.confirm === undefined ? onPlainKey(model, key) : onConfirm(model, key)
  }
}

const onPlainKey = (model: Model, key: Key): Step => {
  switch (key) {
    case "char:q":
      return [model, [{ kind: "quit", how: "key" }]]
    case "char:?":
      return [{ ...model, help: true }, []]
    case "up":
      return [move(model, -1), []]
    case "down":
      return [move(model, 1), []]
    case "pageUp":
      return [page(model, -1), []]
    case "pageDown":
      return [page(model, 1), []]
    case "char:y":
    case "char:w":
    case "char:n":
    case "char:A":
    case "char:N":
      return onAnswer(model, key)
    default:
      return [model, []]
  }
}

const move = (model: Model, by: number): Model => {
  const at = model.asks.findIndex(({ id }) => id === model.marked) + by
  const to = model.asks[at]
  return at < 0 || to === undefined ? model : { ...model, marked: to.id, from: 0 }
}

const page = (model: Model, by: number): Model => {
  const { last, size } = pageOf(model)
  // one line stays, to read on from
  const from = Math.min(model.from, last) + by * Math.max(1, size - 1)
  return { ...model, from: Math.max(0, Math.min(last, from)) }
}

/** A key that answers. While it is not heard, each one lengthens the silence: a key that is held down answers nothing. */
const onAnswer = (model: Model, key: AnswerKey): Step => {
  const question = markedOf(model)
  if (question === undefined || model.busy !== undefined) return [model, []]
  if (model.now < model.deafUntil) {
    return [
      said({ ...model, deafUntil: model.now + DEAF }, "that key was not taken: this question has only just come"),
      []
    ]
  }
  if (model.rows < LEAST.rows || model.columns < LEAST.columns) return [said(model, "too small to answer here"), []]
  const { id, offers: { always, forMs }, state } = question
  if (state === "waiting") return [said(model, `${id} waits in line, and cannot be answered yet`), []]
  switch (key) {
    case "char:y":
      return answer(model, id, "yes", "once")
    case "char:n":
      return answer(model, id, "no", "once")
    case "char:w":
      return forMs === null
        ? [said(model, "a yes for a while is not offered for this question"), []]
        : answer(model, id, "yes", forMs)
    case "char:A":
    case "char:N": {
      const word = key === "char:A" ? "always" : "never"
      return [always ? { ...model, confirm: word } : said(model, `${word} is not offered for this question`), []]
    }
  }
}

/** `y` confirms; any other key takes it back, and does nothing else. */
const onConfirm = (before: Model, key: Key): Step => {
  const model = { ...before, confirm: undefined }
  const question = markedOf(model)
  if (key !== "char:y" || question === undefined || model.busy !== undefined) return [model, []]
  return answer(model, question.id, before.confirm === "always" ? "yes" : "no", "always")
}

const answer = (model: Model, id: string, kind: "yes" | "no", good: Good): Step => [
  { ...said(model, `${id}: ${holdsText(kind, good)} ...`), busy: id },
  [{ kind: "answer", id, answer: kind, good }]
]
