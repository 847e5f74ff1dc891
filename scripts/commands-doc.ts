// Writes docs/commands.md from the table that the code runs on: every command, option, GETINFO word and SCD word with what
// becomes of it. `node scripts/commands-doc.ts` writes the file; a test holds the two together.
import type { ArgumentSpec, CommandSpec, Fate, InquirySpec, OptionSpec } from "@gripgate/protocol/grammar/command"
import { adminCommands } from "@gripgate/protocol/table/admin"
import { cardCommands, scdCommands } from "@gripgate/protocol/table/card"
import { changeCommands } from "@gripgate/protocol/table/change"
import { unlocking } from "@gripgate/protocol/table/define"
import { getinfoWords } from "@gripgate/protocol/table/getinfo"
import { commands } from "@gripgate/protocol/table/index"
import { listCommands } from "@gripgate/protocol/table/list"
import { type OptionFate, optionNames, type OptionNameSpec } from "@gripgate/protocol/table/option"
import { gripgateCommands, ownCommands } from "@gripgate/protocol/table/own"
import { passphraseCommands } from "@gripgate/protocol/table/passphrase"
import { sessionCommands } from "@gripgate/protocol/table/session"
import { storeCommands, trustCommands } from "@gripgate/protocol/table/store"
import { useCommands } from "@gripgate/protocol/table/use"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

type Row = ReadonlyArray<string>

const families: ReadonlyArray<readonly [title: string, words: string, specs: ReadonlyArray<CommandSpec>]> = [
  ["Sessions", "What every client needs to speak at all, and what is reserved or never sent.", [
    ...sessionCommands,
    ...commands.filter(({ name }) => name === "OPTION")
  ]],
  ["Showing keys", "A key that a client may not use is not shown to it.", listCommands],
  ["Using keys", "The first four set what the last two use.", useCommands],
  ["Passphrases and questions", "", passphraseCommands],
  ["Making, moving, changing and deleting keys", "", changeCommands],
  ["Trust", "", trustCommands],
  ["Smart cards", "What SCD amounts to depends on the word behind it; those words are further down.", cardCommands],
  ["Stores", "", storeCommands],
  ["The agent itself", "", adminCommands],
  ["The gate itself", "No agent has it, and none is sent it: see [app passwords](app-passwords.md).", ownCommands]
]

const fates: Record<Fate, string> = {
  gate: "answered by the gate",
  hold: "held, and sent with the command that needs it",
  agent: "sent",
  never: "**never sent**"
}

const optionFates: Record<OptionFate, string> = {
  environment: "sent with the verdict of `prompt`, else answered OK and kept from the agent",
  mode: "held and brought to the agent; `loopback` needs the verdict of that name",
  session: "held and brought to the agent",
  agent: "sent at once"
}

/** A bar would end the cell of a table, in code too. */
const cell = (text: string): string => text.replaceAll("|", "\\|")

const code = (text: string): string => `\`${text}\``

const table = (head: Row, rows: ReadonlyArray<Row>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

/** From 2.3.0 on, in brackets behind what is newer than the command itself. */
const from = (since: string | undefined): string => since === undefined ? "" : ` (${since})`

const optionWord = ({ bare, name, since, value }: OptionSpec): string => {
  const spelling = value === undefined
    ? name
    : bare === undefined
    ? `${name}=${value.names}`
    : `${name}[=${value.names}]`
  return code(spelling) + from(since)
}

const argumentWord = ({ field, optional, repeated }: ArgumentSpec): string => {
  const text = repeated === undefined ? field.names : `${field.names} ...`
  return code(optional === undefined ? text : `[${text}]`) + (field.secret === undefined ? "" : " (secret)")
}

const grammars: Record<InquirySpec["grammar"], string> = {
  opaque: "",
  nothing: "no data",
  ciphertext: "S-expression",
  keyparam: "S-expression"
}

const inquiryWord = ({ grammar, keyword, limit, loopback, secret, since }: InquirySpec): string => {
  const facts = [
    secret === undefined ? "" : "secret",
    grammars[grammar],
    limit === 0 ? "" : String(limit),
    loopback === undefined ? "" : "loopback",
    since ?? ""
  ]
  return `${keyword} (${facts.filter((fact) => fact !== "").join(", ")})`
}

/** What most commands may ask has a name of its own, or the tables would consist of it. */
const inquiryWords = (inquiries: ReadonlyArray<InquirySpec>): string => {
  const all = unlocking.every((inquiry) => inquiries.includes(inquiry))
  const own = all ? inquiries.filter((inquiry) => !unlocking.includes(inquiry)) : inquiries
  return [...(all ? ["*unlock*"] : []), ...own.map(inquiryWord)].join("; ")
}

const commandRow = (spec: CommandSpec): Row => [
  `**${spec.name}**`,
  spec.options.map(optionWord).join(" "),
  spec.args.map(argumentWord).join(" "),
  spec.mayBe.join(", "),
  inquiryWords(spec.inquiries),
  fates[spec.fate],
  spec.since ?? "",
  spec.note
]

const commandTable = (specs: ReadonlyArray<CommandSpec>): string =>
  table(
    ["command", "options", "arguments", "operations", "inquiries", "fate", "since", "what it does"],
    specs.map(commandRow)
  )

/** The pattern of an option's value without what every one has. */
const valueWord = ({ value }: OptionNameSpec): string => {
  if (value === undefined) return "any bytes"
  const [, alternatives, other] = /^\^(?:\(\?:([^()]*)\)|(.*))\$$/.exec(value.source) ?? []
  return code(alternatives ?? other ?? value.source)
}

const optionRow = (spec: OptionNameSpec): Row => [
  `**${spec.name}**`,
  (spec.empty ? `${valueWord(spec)}, or none` : valueWord(spec)) + (spec.secret === undefined ? "" : " (secret)"),
  spec.is.join(", "),
  optionFates[spec.fate],
  spec.since ?? "",
  spec.note
]

const preamble = `# Commands

<!-- Generated by scripts/commands-doc.ts from the table in packages/protocol/src/table. Do not edit. -->

This is every command that gpg-agent has in GnuPG 2.2, 2.4 and 2.5, and what becomes of it at the gate. The
gate runs on the same table: what is not here is not sent.

## How to read it

- **options** are read in any order before the arguments, up to \`--\`; an option that is not listed, one that is
  given twice, and one behind an argument are refused. \`--list[=COUNT]\` may stand without its value. Numbers in
  brackets behind a word are the first version of GnuPG that has it.
- **arguments** in brackets may be missing, and dots stand for more of the same. KEYGRIP is 40 hexadecimal digits
  in either case. A word that is secret appears in no log, journal or error.
- **operations** are the words of the policy. All that a line amounts to need a verdict; which of the words named
  here apply can depend on the options. The agent sees only a hash, so what needs \`sign\` needs \`certify\` and
  \`authenticate\` as well, and so does a decryption with RSA, which may be a signature. A command without any word
  is one that a session needs to speak at all, and is never refused by a policy.
- **inquiries** are the questions that the agent may ask while the command runs; any other is not passed on. The
  number is the most that an answer may have, in bytes, unless the agent announces a limit of its own. "Loopback":
  only when the client has set pinentry-mode to loopback. "S-expression": taken apart and written anew. "No data":
  the client can only say END or CAN. CONFIRM is a question to the owner, and no client answers it.
- *unlock* stands for what every command that needs a key unlocked may ask:
  ${unlocking.map(inquiryWord).join("; ")}.
- **fate** says where the command goes.
- **since** is the first version of GnuPG that has the command; empty for all from 2.2 on.

Command words may be spelt in any case, options, option names and GETINFO words in their own case only. A command
is never handed on as the client spelt it: it is taken apart, and a new line is written from its parts, with single
blanks, options in the order of the table, and keygrips in upper case.

## What is never sent

- INPUT and OUTPUT: with either a client makes the agent close one of its own files, even its listening socket. They
  are not among the words of SCD either.
- A command, an option, an option name, a GETINFO word or an SCD word that is not in this document.
- A line with a NUL byte, a carriage return or white space before the command; a line of more than 1000 bytes.
- Data of an answer as the client escaped it: each D line is decoded and encoded again, and one with a broken escape
  ends the session, since it would put the agent into an endless loop.`

/** The whole document. Throws an Error where a command is in no family or in two. */
export const commandsDocument = (): string => {
  const shown = families.flatMap(([, , specs]) => specs.map(({ name }) => name)).toSorted()
  const known = commands.map(({ name }) => name).toSorted()
  if (shown.join(" ") !== known.join(" ")) {
    throw new Error("expected every command in one family of scripts/commands-doc.ts")
  }
  const sections = families.map(([title, words, specs]) =>
    [`## ${title}`, ...(words === "" ? [] : [words]), commandTable(specs)].join("\n\n")
  )
  return [
    preamble,
    ...sections,
    `## Names of OPTION

\`OPTION name=value\`, \`OPTION name value\` and \`OPTION --name=value\` are the same, with blanks or without. Patterns are
those of JavaScript; the whole value has to match.

${table(["name", "value", "operations", "fate", "since", "what it is"], optionNames.map(optionRow))}`,
    `## Words of GETINFO

${
      table(
        ["word", "words behind it", "operations", "since", "what it tells"],
        getinfoWords.map(({ is, more, note, since, word }) => [`**${word}**`, String(more), is, since ?? "", note])
      )
    }`,
    `## Words of SCD

\`SCD WORD ...\` hands these to the card daemon, which reads them by a table of its own.

${commandTable(scdCommands)}`,
    `## Words of GRIPGATE

\`GRIPGATE WORD ...\` is answered by the gate.

${commandTable(gripgateCommands)}`
  ].join("\n\n") + "\n"
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, "../docs/commands.md"), commandsDocument())
