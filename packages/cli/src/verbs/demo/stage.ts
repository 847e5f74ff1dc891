// What a scene of the demo looks like on the terminal: a title, a command as one would type it, what it printed, what the gate
// logged meanwhile, and whether that is what should happen. At most 80 columns.
import { wrap } from "../../help.ts"
import { bold } from "../../output.ts"

/** One thing that a scene shows. */
export type Shown =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "command"; readonly text: string }
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "log"; readonly lines: ReadonlyArray<string> }
  | { readonly kind: "verdict"; readonly ok: boolean; readonly text: string }

/** A title with a number, or without one. */
export const title = (text: string): string => `\n${bold(text)}\n`

export const show = (shown: Shown): string => {
  switch (shown.kind) {
    case "text":
      return `${wrap(shown.text, "  ")}\n`
    case "command":
      return wrap(shown.text, "      ", 78).split("\n").join(" \\\n").replace("      ", "  $ ")
    case "output":
      return shown.text.trimEnd().split("\n").map((line) => line.length <= 76 ? `  | ${line}` : wrap(line, "  | "))
        .join("\n")
    case "log":
      return shown.lines.map((line) => hang("gate: ", line.replace(/^(<\d>)?gripgate: /, ""))).join("\n")
    case "verdict":
      return hang(shown.ok ? "as it should be: " : "WRONG: ", shown.text)
  }
}

/** Text behind a label; further lines stand below its beginning, by eight columns at most. */
const hang = (label: string, text: string): string => {
  const [first = "", ...more] = wrap(`${label}${text}`, "  ").split("\n")
  return more.length === 0 ? first : `${first}\n${wrap(more.map((line) => line.trim()).join(" "), " ".repeat(8))}`
}
