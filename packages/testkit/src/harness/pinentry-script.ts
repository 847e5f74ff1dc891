// The file with the answers of the scripted pinentry, for whoever writes no TypeScript; docs/testkit.md says what may stand in it.
import type { PinentryAnswer, PinentryScript } from "../pinentry.ts"
import { parseLocated } from "./located-json.ts"
import { booleanOf, countOf, fieldsOf, itemsOf, type Part, rootOf, textOf, wordOf, wrong } from "./shape.ts"

const words = ["cancel", "close", "crash", "hang", "garbage"] as const

const answerOf = (part: Part): PinentryAnswer => {
  const word = wordOf(part, words)
  if (word !== undefined) return word
  const expected = `an answer: {"pin": ...}, {"confirm": true}, ${words.map((one) => `"${one}"`).join(", ")}`
  const fields = fieldsOf(part, ["pin", "confirm"], expected)
  const pin = fields.get("pin")
  const confirm = fields.get("confirm")
  if (pin !== undefined && confirm === undefined) return { pin: textOf(pin) }
  if (confirm === undefined || pin !== undefined) throw wrong(part, `expected ${expected}`)
  return { confirm: wordOf(confirm, ["notok"] as const) ?? booleanOf(confirm) }
}

/**
 * Parses a script: a list of answers, or an object with `answers` and what else a `PinentryScript` has. `name` is what the file is
 * called in messages. Throws a `ScriptError` that says where it is wrong, and never what stands there: that may be a pin.
 */
export const parsePinentryScript = (text: string, name: string): PinentryScript => {
  const root = rootOf(parseLocated(text, name))
  const answersOf = (part: Part) => itemsOf(part, "a list of answers").map(answerOf)
  if (root.node.kind === "list") return { answers: answersOf(root) }
  const known = ["answers", "default", "readingMs", "thirdButton", "flavor", "exits"]
  const fields = fieldsOf(root, known, "a list of answers, or an object with answers")
  const use = <A>(field: string, read: (part: Part) => A): A | undefined => {
    const part = fields.get(field)
    return part === undefined ? undefined : read(part)
  }
  const last = use("default", answerOf)
  const readingMs = use("readingMs", (part) => countOf(part, 600_000))
  const thirdButton = use("thirdButton", booleanOf)
  const flavor = use("flavor", textOf)
  const exits = use("exits", booleanOf)
  return {
    answers: use("answers", answersOf) ?? [],
    ...last !== undefined && { default: last },
    ...readingMs !== undefined && { readingMs },
    ...thirdButton !== undefined && { thirdButton },
    ...flavor !== undefined && { flavor },
    ...exits !== undefined && { exits }
  }
}
