// What is said about a command line that cannot be parsed: the error, a hint, one line of usage. The parser's own way is the
// whole help on stdout, where a script would take it for an answer.
import type * as CliError from "effect/cli/CliError"
import type { HelpDoc } from "effect/cli/HelpDoc"
import type { Complaint } from "./failure.ts"

/** `gripgate check [APP] [OPERATION] [KEY] [flags]`, `gripgate testkit [flags] -- COMMAND...` */
export const usageLine = (doc: HelpDoc): string => {
  const words = [...(doc.commandPath ?? ["gripgate"]), ...doc.subcommands === undefined ? [] : ["VERB"]]
  // what comes last, as often as it likes, is another command's line and may look like a flag
  const behind: Array<string> = []
  for (const { name, required, variadic } of doc.args ?? []) {
    const word = required ? name : `[${name}]`
    if (variadic) behind.push("--", `${word}...`)
    else words.push(word)
  }
  return [...words, "[flags]", ...behind].join(" ")
}

/** The verbs of a help document, as one list of words. */
export const verbsOf = (doc: HelpDoc): ReadonlyArray<string> =>
  (doc.subcommands ?? []).flatMap(({ commands }) => commands.map(({ name }) => name))

/** An error of the parser in words of ours. */
export const complaintOf = (error: CliError.NonShowHelpErrors, doc: HelpDoc): Complaint => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return { message: `unknown flag ${plain(error.option)}`, hint: meant(error.suggestions) }
    case "UnknownSubcommand": {
      const hint = meant(error.suggestions) ?? `the verbs are ${verbsOf(doc).join(", ")}`
      return { message: `unknown verb ${quoted(error.subcommand)}`, hint }
    }
    case "MissingOption":
      return { message: `the flag --${error.option} is missing` }
    case "MissingArgument":
      return { message: `${error.argument} is missing` }
    case "UnexpectedArgument":
      return { message: `too many arguments: ${error.arguments.map(quoted).join(" ")}` }
    case "InvalidValue":
      return invalidValue(error)
    case "UserError":
      return error.cause as Complaint
    case "DuplicateOption":
    case "ValidationError":
      return { message: plain(error.message) }
  }
}

const invalidValue = ({ expected, kind, option, value }: CliError.InvalidValue): Complaint => {
  const name = kind === "flag" ? `--${option}` : option
  if (value === "") return { message: `${name} needs a value` }
  const times = /^(\d+) occurrences$/.exec(value)?.[1]
  if (times !== undefined) return { message: `${name} was given ${times} times` }
  // The parser's list of choices reads `"a" | "b"`.
  return { message: `${name} expects ${plain(expected.replaceAll(" | ", ", "))}, got ${quoted(value)}` }
}

const meant = (suggestions: ReadonlyArray<string>): string | undefined =>
  suggestions.length === 0 ? undefined : `did you mean ${suggestions.map(plain).join(" or ")}?`

/** A word of the command line between double quotes; control characters are made harmless for a terminal. */
export const quoted = (word: string): string => `"${plain(word)}"`

const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`)
