// What --help prints: at most 80 columns, whatever the terminal, since it is also read in files and in a web page.
import type { ArgDoc, FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import { bold } from "./output.ts"
import { usageLine } from "./usage.ts"

const WIDTH = 80

/** Text in lines of at most `width` columns, each below `indent`; a line feed of the text stays one, a blank line too. */
export const wrap = (text: string, indent: string, width: number = WIDTH): string =>
  text.split("\n").flatMap((paragraph) => {
    const lines: Array<string> = []
    let line = ""
    for (const word of paragraph.split(" ")) {
      if (line !== "" && indent.length + line.length + 1 + word.length > width) {
        lines.push(line)
        line = word
      } else line = line === "" ? word : `${line} ${word}`
    }
    return [...lines, line].map((each) => `${indent}${each}`.trimEnd())
  }).join("\n")

interface Row {
  readonly left: string
  readonly right: string
}

/** Two columns; the right one begins below a left one that is too long to stand beside it. */
const table = (rows: ReadonlyArray<Row>): string => {
  const column = Math.min(24, Math.max(...rows.map(({ left }) => left.length)) + 4)
  return rows.map(({ left, right }) => {
    const text = wrap(right, " ".repeat(column))
    return left.length + 3 < column ? `  ${left.padEnd(column - 2)}${text.slice(column)}` : `  ${left}\n${text}`
  }).join("\n")
}

/** The parser's own flags are described with a capital letter. */
const describe = (description: Option.Option<string>): string =>
  Option.getOrElse(description, () => "").replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())

const flagRow = ({ aliases, description, name, type }: FlagDoc): Row => ({
  left: [...aliases, `--${name}`].join(", ") + (type === "boolean" ? "" : ` ${type}`),
  right: describe(description)
})

const argumentRow = ({ description, name }: ArgDoc): Row => ({ left: name, right: describe(description) })

/** The help of one command, without a line feed at its end. */
export const formatHelp = (doc: HelpDoc): string => {
  const parts = [`${bold("usage:")} ${usageLine(doc)}`]
  if (doc.description !== "") parts.push(wrap(doc.description, ""))
  const add = (title: string, rows: ReadonlyArray<Row>) => {
    if (rows.length > 0) parts.push(`${bold(`${title}:`)}\n${table(rows)}`)
  }
  add("arguments", (doc.args ?? []).map(argumentRow))
  for (const { commands } of doc.subcommands ?? []) {
    add(
      "verbs",
      commands.map(({ description, name, shortDescription }) => ({
        left: name,
        right: shortDescription ?? description
      }))
    )
  }
  add("flags", [...doc.flags, ...(doc.globalFlags ?? [])].map(flagRow))
  if (doc.examples !== undefined) {
    const examples = doc.examples.map(({ command, description }) =>
      description === undefined ? `  ${command}` : `${wrap(description, "  ")}
    ${command}`
    )
    parts.push(`${bold("examples:")}\n${examples.join("\n")}`)
  }
  if (doc.subcommands !== undefined) {
    parts.push(`\`${usageLine(doc).split(" ")[0]} VERB --help\` tells more about a verb.`)
  }
  return parts.join("\n\n")
}
