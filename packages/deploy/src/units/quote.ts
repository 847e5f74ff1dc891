// Words and paths as a unit file reads them back: systemd.syntax(7), and for command lines systemd.service(5). Pure.

/** Text of a unit file, in which specifiers (`%t`) and quotes mean what systemd says. */
export type UnitText = string

/** `%` begins a specifier everywhere in a unit file. */
const withoutSpecifiers = (text: string): string => text.replaceAll("%", "%%")

const needsQuotes = /[^\w%@+=:,./$-]/

/** In double quotes where it is more than one word to systemd, with the escapes of C in it. */
const inQuotes = (text: string): string =>
  !needsQuotes.test(text) && text !== ""
    ? text
    : `"${
      text.replace(/["\\]/g, "\\$&").replace(/\p{Cc}/gu, (char) =>
        [...Buffer.from(char)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""))
    }"`

/** One word of a list, such as a path in `ReadWritePaths=`. */
export const word = (text: string): UnitText => inQuotes(withoutSpecifiers(text))

/** One argument of a command line; `$` would begin a variable there. */
export const argument = (text: string): UnitText => inQuotes(withoutSpecifiers(text).replaceAll("$", "$$$$"))

/** The program of a command line: its path, in which no variable is looked for. */
export const program = (path: string): UnitText => inQuotes(withoutSpecifiers(path))

/**
 * A path that is a whole value (`ListenStream=`): no quotes are read there, so that one with a line feed, or with blanks or a
 * backslash at its end, cannot be written at all: `undefined`.
 */
export const wholePath = (path: string): UnitText | undefined =>
  /\p{Cc}/u.test(path) || /[\s\\]$/.test(path) ? undefined : withoutSpecifiers(path)
