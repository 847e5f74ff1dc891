// The state of `gripgate watch`: what is on the screen and what is remembered beside it, everything that can happen to it, and
// what it can have done. Pure; what becomes of it is in step.ts.
import type { Snapshot } from "@gripgate/proxy/control/message/asked"
import type { Good } from "../../screens/question.ts"
import type { WatchScreen } from "../../screens/watch/data.ts"
import type { Key } from "./keys.ts"

export interface Model extends WatchScreen {
  /** Keys that answer do nothing before this time. */
  readonly deafUntil: number
  /** When `message` goes by itself. */
  readonly messageUntil: number
  /** The question whose answer is on its way. */
  readonly busy: string | undefined
  /** Questions answered here that the gate may still show for a moment. */
  readonly done: ReadonlySet<string>
}

export type Event =
  | { readonly kind: "key"; readonly key: Key }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  /** There is no gate, and why. */
  | { readonly kind: "gone"; readonly why: string }
  | { readonly kind: "answered"; readonly id: string; readonly text: string }
  | { readonly kind: "failed"; readonly id: string; readonly text: string }
  | { readonly kind: "size"; readonly columns: number; readonly rows: number }
  /** The terminal is ours again, after a while in which it was not. */
  | { readonly kind: "back" }
  | { readonly kind: "tick" }

export type Action =
  | { readonly kind: "answer"; readonly id: string; readonly answer: "yes" | "no"; readonly good: Good }
  | { readonly kind: "quit"; readonly how: "key" | "interrupt" }
  | { readonly kind: "suspend" }
  | { readonly kind: "redraw" }

/** Milliseconds without an answering key after another question has come under the mark. */
export const DEAF = 500

/** Milliseconds that a message stands in the bottom line, if no key is pressed. */
const MESSAGE = 8_000

export type Step = readonly [Model, ReadonlyArray<Action>]

/** Before anything is known. */
export const startModel = (columns: number, rows: number, offset: Model["offset"]): Model => ({
  columns,
  rows,
  offset,
  now: 0,
  asks: [],
  decided: [],
  paused: [],
  place: undefined,
  gone: undefined,
  marked: undefined,
  from: 0,
  help: false,
  confirm: undefined,
  message: undefined,
  messageUntil: 0,
  deafUntil: 0,
  busy: undefined,
  done: new Set()
})

/** With something in the bottom line, for a while. */
export const said = (model: Model, message: string): Model => ({
  ...model,
  message,
  messageUntil: model.now + MESSAGE
})
