// The ways to spell one command line that libassuan, gpg-agent or a hasty parser take for the same, and the ways to hide one in
// something else. What each must be answered with is written beside it.
import { ERR } from "./wire.ts"

/** `refused` is the policy's no; `error` any number that is not 0. */
export type Expected = "refused" | "error" | "INQUIRE" | typeof ERR[keyof typeof ERR] | "OK"

export interface Spelled {
  readonly bytes: string
  readonly replies: ReadonlyArray<Expected>
  /** The gate closes after the last reply. */
  readonly closes?: true
}

/** What the surroundings of a line may be made of. */
export interface Around {
  /** An allowed command that asks, as lines with their replies, and whether it is allowed at all. */
  readonly asking: { readonly lines: ReadonlyArray<string>; readonly allowed: boolean }
  /** One that asks for bytes which nobody looks into. */
  readonly opaque: { readonly line: string; readonly allowed: boolean }
}

export interface Spelling {
  readonly name: string
  readonly spell: (line: string, around: Around) => Spelled
  /** Bytes in one write; all at once where it is left out. */
  readonly chunk?: number
}

const one = (name: string, write: (line: string) => string, reply: Expected): Spelling => ({
  name,
  spell: (line) => ({ bytes: `${write(line)}\n`, replies: [reply] })
})

const violation = (name: string, write: (line: string) => string): Spelling => ({
  name,
  spell: (line) => ({ bytes: `${write(line)}\n`, replies: [ERR.SYNTAX], closes: true })
})

const several = (name: string, write: (line: string) => string, ...replies: ReadonlyArray<Expected>): Spelling => ({
  name,
  spell: (line) => ({ bytes: write(line), replies })
})

/** The command word, and the rest with its blank. */
const word = (line: string): string => line.split(" ", 1)[0]!
const rest = (line: string): string => line.slice(word(line).length)

const alternating = (text: string): string =>
  [...text].map((char, index) => index % 2 === 0 ? char.toLowerCase() : char.toUpperCase()).join("")

const asItself: ReadonlyArray<Spelling> = [
  one("as gpg writes it", (line) => line, "refused"),
  one("lower case", (line) => word(line).toLowerCase() + rest(line), "refused"),
  one("mixed case", (line) => alternating(word(line)) + rest(line), "refused"),
  one("TABs", (line) => line.replaceAll(" ", "\t"), "refused"),
  one("double blanks", (line) => line.replaceAll(" ", "  "), "refused"),
  one("blanks and TABs at the end", (line) => `${line} \t `, "refused"),
  one("CR LF", (line) => `${line}\r`, "refused"),
  { ...one("split in single bytes", (line) => line, "refused"), chunk: 1 },
  { ...one("split in pieces of three bytes", (line) => `${line}\r`, "refused"), chunk: 3 },
  one(
    "--name=v, for OPTION, and one blank or = or both",
    (line) => line.startsWith("OPTION ") ? line.replace(" ", " --").replace("=", " =\t ") : line,
    "refused"
  )
]

const nearly: ReadonlyArray<Spelling> = [
  one("a leading blank", (line) => ` ${line}`, ERR.SYNTAX),
  one("a leading TAB", (line) => `\t${line}`, ERR.SYNTAX),
  one("two CRs before LF", (line) => `${line}\r\r`, ERR.SYNTAX),
  one("behind a CR", (line) => `NOP\r${line}`, ERR.SYNTAX),
  one("--name=v, an option that nobody has", (line) => `${word(line)} --nosuch=v${rest(line)}`, "error"),
  one("a flag with =v", (line) => /--[a-z]+/.test(line) ? line.replace(/--[a-z]+/, "$&=v") : `${line} --a=v`, "error"),
  one("trailing words", (line) => `${line} garbage`, "error"),
  one("a trailing option", (line) => `${line} --force`, "error"),
  one("-- before the options", (line) => `${word(line)} --${rest(line)}`, "error"),
  one("arguments in upper case", (line) => line.toUpperCase(), "error"),
  one("a percent escape in the word", (line) => `%${line.charCodeAt(0).toString(16)}${line.slice(1)}`, ERR.UNKNOWN_CMD),
  one("quotes", (line) => `"${word(line)}"${rest(line)}`, ERR.UNKNOWN_CMD),
  one("a vertical tab for a blank", (line) => `${word(line)}\v${rest(line)}`, ERR.UNKNOWN_CMD),
  one("a no-break space for a blank", (line) => `${word(line)}\xa0${rest(line)}`, ERR.UNKNOWN_CMD),
  one(
    "the first letter with its eighth bit set",
    (line) => String.fromCharCode(line.charCodeAt(0) | 0x80) + line.slice(1),
    ERR.UNKNOWN_CMD
  ),
  one("a letter short", (line) => word(line).slice(0, -1) + rest(line), ERR.UNKNOWN_CMD),
  one("a letter long", (line) => `${word(line)}S${rest(line)}`, ERR.UNKNOWN_CMD)
]

const withNul: ReadonlyArray<Spelling> = [
  violation("NUL at the end", (line) => `${line}\0`),
  violation("NUL behind the word", (line) => `${word(line)}\0${rest(line)}`),
  violation("NUL in front", (line) => `\0${line}`),
  violation("behind a harmless command and a NUL", (line) => `NOP\0${line}`)
]

const hidden: ReadonlyArray<Spelling> = [
  several("in a comment", (line) => `#${line}\n# ${line}\n\n`),
  {
    name: "as the argument of NOP",
    // the agent would ignore it; options in it are one thing more that cannot be parsed here
    spell: (line) => ({ bytes: `NOP ${line}\n`, replies: [line.includes("--") ? ERR.PARAMETER : "OK"] })
  },
  several("as the argument of HELP", (line) => `HELP ${line}\n`, "error"),
  several("behind the blank that ends SETKEYDESC", (line) => `SETKEYDESC x ${line}\n`, "OK"),
  several("in the environment of a prompt", (line) => `OPTION putenv=TERM=${line}\n`, "OK"),
  several(
    "several commands in one write",
    (line) => `NOP\n${line}\nNOP\n${line}\nNOP\n`,
    "OK",
    "refused",
    "OK",
    "refused",
    "OK"
  ),
  several(
    "with answers sent before the inquiry",
    (line) => `${line}\nD abc\nEND\nNOP\n`,
    "refused",
    "error",
    "error",
    "OK"
  ),
  several("with CANDY behind it", (line) => `${line}\nCANDY\nNOP\n`, "refused", "error", "OK"),
  {
    name: "behind an inquiry cancelled with CANDY",
    spell: (line, { asking: { allowed, lines } }) => ({
      bytes: `${lines.join("\n")}\nCANDY\n${line}\nNOP\n`,
      replies: [
        ...lines.slice(1).map(() => "OK" as const),
        ...(allowed ? ["INQUIRE", ERR.ASS_CANCELED] as const : ["refused", ERR.UNKNOWN_CMD] as const),
        ...["refused", "OK"] as const
      ]
    })
  },
  {
    name: "inside an inquiry",
    spell: (line, { asking: { allowed, lines } }) => {
      const bytes = `${lines.join("\n")}\n${line}\nEND\n`
      const before = lines.slice(1).map(() => "OK" as const)
      return allowed
        ? { bytes, replies: [...before, "INQUIRE", ERR.UNEXPECTED_CMD], closes: true }
        : { bytes, replies: [...before, "refused", "refused", ERR.NOT_IMPLEMENTED] }
    }
  },
  {
    name: "as a line inside the data of an answer",
    spell: (line, { opaque }) => ({
      bytes: `${opaque.line}\nD x%0a${line}%0d%0a\nD \r${line}\nEND\nNOP\n`,
      replies: opaque.allowed ? ["INQUIRE", "OK", "OK"] : ["refused", "error", "error", "error", "OK"]
    })
  }
]

/** Every spelling, each of which is tried with every forbidden line. */
export const spellings: ReadonlyArray<Spelling> = [...asItself, ...nearly, ...withNul, ...hidden]
