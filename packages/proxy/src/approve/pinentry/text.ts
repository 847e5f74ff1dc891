// What a pinentry is given to show: the two texts of a question and the labels of its buttons, as lines of pinentry's dialogue.
// Pure. The gate's own lines are never cut; what a client says is, where a line has no room for all of it.
import { MAX_LINE_OUT } from "@gripgate/protocol/limits"
import { durationWords, gateLines, wordLines } from "../../shown/question-lines.ts"
import { MARK } from "../../shown/subject.ts"
import type { Question } from "../question.ts"

/** Everything that pinentry decodes, and what would end the line (pinentry.c strcpy_escaped). */
const escape = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")

/** One line, or `undefined` where a line has no room for it. */
export const lineOf = (command: string, lines: ReadonlyArray<string>): string | undefined => {
  const line = `${command} ${escape(lines.join("\n"))}`
  return Buffer.byteLength(line) <= MAX_LINE_OUT ? line : undefined
}

/** Lines that pinentry-curses has room for on a terminal of 24: it refuses what does not fit, and asks nobody. */
const MAX_ROWS = 17

/** SETDESC for the gate's lines and as many of the others as there is room for, with a mark where some are left out. */
const describe = (ours: ReadonlyArray<string>, all: ReadonlyArray<string>): string | undefined => {
  const rows = Math.max(2, MAX_ROWS - ours.length)
  const theirs = all.length > rows ? [...all.slice(0, rows - 1), `${MARK}...`] : all
  const whole = lineOf("SETDESC", [...ours, ...theirs])
  if (whole !== undefined) return whole
  // what comes first is who says it, and alone that says nothing
  for (let kept = theirs.length - 1; kept > 0; kept--) {
    const cut = lineOf("SETDESC", [...ours, ...theirs.slice(0, kept), `${MARK}...`])
    if (cut !== undefined) return cut
  }
  return lineOf("SETDESC", ours)
}

/** A dialog: its lines in the order in which they are sent, all but the last two needed for it to be the right one. */
export interface Sheet {
  readonly description: string
  readonly ok: string
  readonly cancel: string
  /** The third button, which some programs do not have. */
  readonly notok?: string
}

// In a label `_` marks the letter that presses the button, on a terminal without Enter; no two are the same.
const CANCEL = "SETCANCEL _No"

/** The dialog that asks whether; `undefined` where the gate's own lines do not fit. */
export const firstSheet = (question: Question): Sheet | undefined => {
  const description = describe(gateLines(question), wordLines(question))
  if (description === undefined) return undefined
  const { while: time } = question.offers
  return time === undefined
    ? { description, ok: "SETOK _Yes", cancel: CANCEL }
    : { description, ok: "SETOK _Yes, once", cancel: CANCEL, notok: `SETNOTOK _For ${durationWords(time)}` }
}

/**
 * The dialog that asks again before a yes is good for a while: the third button's answer is also what some programs say when
 * they could not ask at all. It is about more than what the client says now, so that is not in it.
 */
export const secondSheet = (question: Question, time: number): Sheet | undefined => {
  const duration = durationWords(time)
  const description = describe(
    [...gateLines(question), `A yes is good for ${duration}: until then nobody is asked.`],
    []
  )
  return description === undefined ? undefined : { description, ok: `SETOK _For ${duration}`, cancel: CANCEL }
}
