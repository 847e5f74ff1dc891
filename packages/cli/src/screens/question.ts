// A question as its owner reads it: first what the gate knows, and behind it what a client or the agent says, each line of that
// marked. The same on every screen.
import { formatDuration } from "@gripgate/policy/duration"
import type { AskedQuestion } from "@gripgate/proxy/control/message/asked"
import { quoted, tidy, wrap } from "@gripgate/proxy/shown/lines"
import { durationWords } from "@gripgate/proxy/shown/question-lines"
import { MARK } from "@gripgate/proxy/shown/subject"
import { isNarrow, labelled, type Line, type View, word } from "./line.ts"
import { ago, left } from "./time.ts"

/** What stands for a client that is no app; no app can have this name. */
export const NO_APP = "(no app)"

export const appOf = (app: string | null): string => app === null ? NO_APP : word(app)

/** The key that a list names: by its id, or by the keygrip where no certificate is known. */
export const keyOf = ({ key, keys }: Pick<AskedQuestion, "key" | "keys">): string =>
  word(keys[0]?.keyId ?? key ?? "-", 40)

/** All that it amounts to, in words of the policy. */
export const operationsOf = ({ operation, operations }: AskedQuestion): string =>
  word(operations.length === 0 ? operation : operations.join(","))

/** How old it is, and how long it has; on a narrow screen only what is left. */
export const ageOf = ({ askedAt, endsAt, state }: AskedQuestion, view: View): string => {
  const rest = state === "waiting" ? "in line" : endsAt === null ? undefined : left(endsAt, view)
  const age = `asked ${ago(askedAt, view)}`
  return rest === undefined ? age : isNarrow(view) ? rest : `${age}, ${rest}`
}

/** A secret key that can encrypt, by its certificate, is there to decrypt. */
const canOf = (capabilities: ReadonlyArray<string>): string =>
  capabilities.map((each) => each === "encrypt" ? "decrypt" : word(each, 20)).join(" and ") || "nothing"

/** As much of a user id as a dialog shows. */
export const userIdText = (userId: string): string => quoted(userId, 80, Number.POSITIVE_INFINITY)

/** What is sure stands first: the name that somebody gave to his key may be long, and may say anything. */
const keyText = ({ capabilities, keyId, keygrip, userId }: AskedQuestion["keys"][number]): string =>
  [
    keyId === null ? `keygrip ${word(keygrip, 40)}` : word(keyId, 40),
    ...capabilities === null ? [] : [`can ${canOf(capabilities)}`],
    ...userId === null ? [] : [userIdText(userId)]
  ].join(", ")

/** In groups of eight digits. */
const digestText = ({ digest, unseen }: AskedQuestion): ReadonlyArray<string> => {
  if (digest === null) return unseen ? ["not seen by gripgate"] : []
  const groups = word(digest.hex, 256).match(/.{1,8}/gu) ?? ["none"]
  return [`${word(digest.algorithm, 20)} ${groups.join(" ")}`]
}

/** `yes once, for 15 minutes, always; no once, never`. */
const offersText = ({ offers: { always, forMs } }: AskedQuestion): string => {
  const yes = ["yes once", ...forMs === null ? [] : [`for ${durationWords(forMs)}`], ...always ? ["always"] : []]
  return `${yes.join(", ")}; no once${always ? ", never" : ""}`
}

/** All that the gate knows of it. */
const known = (question: AskedQuestion): ReadonlyArray<readonly [string, string]> => {
  const { app, command, entry, keys, note, purpose, who } = question
  const asker = app === null ? "a program that is no app of the policy" : `the app ${word(app)}`
  const row = (label: string, texts: ReadonlyArray<string>) => texts.map((text) => [label, text] as const)
  return [
    ["wants", `${asker} wants to ${word(purpose, 200)} (${word(command, 40)})`],
    ...row("key", keys.map(keyText)),
    ["who", word(who)],
    ...row("digest", digestText(question)),
    ["why", word(entry)],
    ...row("note", note === null ? [] : [word(note)]),
    ["offers", offersText(question)]
  ]
}

/** Words that are not the gate's, as marked lines, at most so many. */
const saidLines = (text: string, columns: number, most: number): ReadonlyArray<string> => {
  const lines = text.slice(0, 16_384).split(/\r?\n/)
    .flatMap((line) => wrap(tidy(line), Math.max(2, columns - MARK.length)))
    .map((line) => MARK + line)
  return lines.length > most ? [...lines.slice(0, most - 1), `${MARK}...`] : lines
}

/** Lines of a client's text on a screen that nobody scrolls, and on one that can be scrolled. */
export const FEW_SAID = 8
export const ALL_SAID = 200

/** Everything about a question but its name and age. */
export const questionLines = (
  question: AskedQuestion,
  view: View,
  { indent, said: most }: { readonly indent: number; readonly said: number }
): ReadonlyArray<Line> => {
  const layout = { indent, width: 8 }
  const lines = known(question).flatMap(([label, text]) => labelled(label, text, view, layout))
  const { said } = question
  if (said === null) return lines
  const theirs = saidLines(said.text, view.columns - indent - layout.width, most)
  if (theirs.length === 0) return lines
  const label = said.by === "agent" ? "agent" : "it says"
  return [
    ...lines,
    ...theirs.map((text, index) => ({
      text: `${" ".repeat(indent)}${(index === 0 ? label : "").padEnd(layout.width)}${text}`
    }))
  ]
}

/** What `--for` would be for the time that is offered. */
export const offeredTime = ({ offers: { forMs } }: AskedQuestion): string | undefined =>
  forMs === null ? undefined : formatDuration(forMs)

/** How long an answer holds: for this once, for milliseconds, or always. */
export type Good = "once" | "always" | number

/** What holds after an answer: `yes, for 15 minutes`. */
export const holdsText = (kind: "yes" | "no", good: Good): string => {
  if (good === "once") return `${kind}, for this once`
  if (kind === "no") return "never: it is refused from now on, and nobody is asked"
  return good === "always" ? "yes, always" : `yes, for ${durationWords(good)}`
}
