// The kinds of words that commands are made of. Each kind is one description with two directions: `read` takes the bytes
// of a client, `write` makes the bytes for the agent, and what `read` does not take cannot be written.
import type { Keygrip } from "../keygrip.ts"
import { parseKeygrip } from "../keygrip.ts"

/** A value of a command: a keygrip or a plain word as text, everything else as bytes. */
export type Value = string | Buffer

/** One kind of word. `names` is how documents call it. */
export interface Field {
  readonly names: string
  readonly read: (bytes: Buffer) => Value | undefined
  readonly write: (value: Value) => Buffer
  /** Whether the word is kept out of logs and errors, and its bytes wiped. */
  readonly secret?: true
  /** Takes the rest of the line, blanks included. */
  readonly rest?: true
  /** May begin with two dashes and be no option. */
  readonly dashes?: true
}

const bytesOf = (value: Value): Buffer => typeof value === "string" ? Buffer.from(value, "latin1") : value

const matching = (names: string, pattern: RegExp, canonical: (text: string) => string = (text) => text): Field => ({
  names,
  read: (bytes) => {
    const text = bytes.toString("latin1")
    return pattern.test(text) ? canonical(text) : undefined
  },
  write: bytesOf
})

/** A word of this form. */
export const pattern = (names: string, form: RegExp): Field => matching(names, form)

/** A keygrip, written in upper case. */
export const keygrip: Field = {
  names: "KEYGRIP",
  read: (bytes) => bytes.length === 40 ? parseKeygrip(bytes.toString("latin1")) : undefined,
  write: bytesOf
}

/** Whether a value is a keygrip in the spelling of this program. */
export const isKeygrip = (value: Value): value is Keygrip => typeof value === "string" && parseKeygrip(value) === value

/** The value of a keygrip field. */
export const asKeygrip = (value: Value): Keygrip => value as Keygrip

/** Hexadecimal digits, an even number of them, from `min` to `max` bytes, in upper case. */
export const hex = (names: string, min: number, max: number): Field =>
  matching(names, new RegExp(`^(?:[0-9A-Fa-f]{2}){${min},${max}}$`), (text) => text.toUpperCase())

/** A certificate's fingerprint, 16 or 20 bytes, also with colons between them (GnuPG agent/command.c cmd_istrusted). */
export const fingerprint: Field = {
  names: "FINGERPRINT",
  read: (bytes) => {
    const text = bytes.toString("latin1").replaceAll(":", "")
    return /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40})$/.test(text) ? text.toUpperCase() : undefined
  },
  write: bytesOf
}

/** Hexadecimal digits that are a secret: bytes, so that they can be wiped. */
export const secretHex = (names: string, max: number): Field => ({
  names,
  secret: true,
  read: (bytes) => {
    if (bytes.length === 0 || bytes.length > 2 * max || bytes.length % 2 !== 0) return undefined
    for (const byte of bytes) {
      const letter = byte | 0x20
      if (!(byte >= 0x30 && byte <= 0x39) && !(letter >= 0x61 && letter <= 0x66)) return undefined
    }
    return bytes
  },
  write: bytesOf
})

/** A decimal number without sign and without leading zeros, of at most nine digits. */
export const number = (names: string): Field =>
  matching(names, /^[0-9]{1,9}$/, (text) => String(Number.parseInt(text, 10)))

/** A decimal number that may be negative. */
export const integer = (names: string): Field =>
  matching(names, /^-?[0-9]{1,9}$/, (text) => String(Number.parseInt(text, 10)))

/** GnuPG's compact ISO time, `20261123T055141`. */
export const isotime: Field = matching("ISOTIME", /^[0-9]{8}T[0-9]{6}$/)

/**
 * A name or number of somebody else's making: letters, digits and harmless marks, and nowhere two dashes. The agent looks
 * for an option by the first place where its letters stand (GnuPG common/server-help.c has_option), so the nonce in
 * `PASSWD --cache-nonce=x--verify --verify KEYGRIP` would hide the `--verify` behind it.
 */
export const word = (names: string, max = 100): Field =>
  matching(names, new RegExp(`^(?!.*--)[0-9A-Za-z_.:,/@+=$[\\]-]{1,${max}}$`))

/** One of a few words, case-sensitive. */
export const choice = (...words: ReadonlyArray<string>): Field => ({
  names: words.join("|"),
  read: (bytes) => {
    const text = bytes.toString("latin1")
    return words.includes(text) ? text : undefined
  },
  write: bytesOf
})

/** Bytes without blanks: a text in which blanks are written as `+` or `%20`. */
export const escapedText = (names: string): Field => ({
  names,
  read: (bytes) => bytes.length > 0 && !(bytes[0] === 0x2d && bytes[1] === 0x2d) ? bytes : undefined,
  write: bytesOf
})

/** The rest of the line as it is. Blanks before it are dropped by the agent and here. */
export const rest = (names: string): Field => ({
  names,
  rest: true,
  read: (bytes) =>
    bytes.length > 0 && bytes.indexOf(" --") < 0 && bytes.indexOf("\t--") < 0
      && !(bytes[0] === 0x2d && bytes[1] === 0x2d)
      ? bytes
      : undefined,
  write: bytesOf
})

/** The rest of the line, which may begin with dashes: the reader has looked for options before it, and only there. */
export const restWithDashes = (names: string): Field => ({
  names,
  rest: true,
  dashes: true,
  read: (bytes) => bytes.length > 0 ? bytes : undefined,
  write: bytesOf
})

/** The rest of the line, secret. */
export const secretRest = (names: string): Field => ({ ...rest(names), secret: true })

/** A keygrip, or the name of a key on a card. */
export const keygripOrCardKey: Field = {
  names: "KEYGRIP or KEYREF",
  read: (bytes) => keygrip.read(bytes) ?? word("KEYREF").read(bytes),
  write: bytesOf
}
