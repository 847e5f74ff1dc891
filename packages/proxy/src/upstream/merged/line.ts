// What a line that the gate has written says of where it has to go: to the agent that has a key, to the one that gave a nonce,
// to all of them, or to the one that answers for everything else. The lines are the gate's own, so they have one spelling.
import { type Keygrip, parseKeygrip } from "@gripgate/protocol/keygrip"

export type Target =
  /** Whoever has the key, by whatever names it: the command, or the line that chose it. */
  | { readonly kind: "key"; readonly keygrip: Keygrip }
  /** Whether anybody has one of these. */
  | { readonly kind: "any" }
  /** What all of them have, together. */
  | { readonly kind: "list" }
  /** The agent for what names no key. */
  | { readonly kind: "default" }

/** The beginning of a command, up to its first argument. What stands behind that may be a secret, and stays bytes. */
export interface Line {
  readonly word: string
  /** Options before the argument, without their values. */
  readonly options: ReadonlySet<string>
  readonly argument: string | undefined
  /** Whatever may be a nonce: values of options, and the argument. */
  readonly values: ReadonlyArray<string>
}

/** Takes the beginning of a command apart. Of an option only the word is looked at. */
export const parseLine = (line: Buffer): Line => {
  const word = textUntilBlank(line, 0)
  const options = new Set<string>()
  const values: Array<string> = []
  for (let at = word.length; word !== "OPTION" && line[at] === BLANK;) {
    while (line[at] === BLANK) at++
    const next = textUntilBlank(line, at)
    at += next.length
    if (next === "") break
    if (!next.startsWith("--")) {
      values.push(next)
      return { word, options, argument: next, values }
    }
    const [name = "", value] = next.split("=", 2)
    options.add(name)
    if (value !== undefined) values.push(value)
  }
  return { word, options, argument: undefined, values }
}

const BLANK = 0x20
const LF = 0x0a

const textUntilBlank = (line: Buffer, from: number): string => {
  let at = from
  while (at < line.length && line[at] !== BLANK && line[at] !== LF) at++
  return line.toString("latin1", from, at)
}

/** Commands whose first argument may be a keygrip, which then says where they go. */
const ofKeys: ReadonlySet<string> = new Set([
  "KEYINFO",
  "READKEY",
  "PASSWD",
  "EXPORT_KEY",
  "DELETE_KEY",
  "KEYATTR",
  "KEYTOCARD",
  "KEYTOTPM",
  "CLEAR_PASSPHRASE",
  "PRESET_PASSPHRASE",
  "GET_PASSPHRASE",
  "SIGKEY",
  "SETKEY"
])

/** Commands that are made with the key that was chosen before. */
const withChosen: ReadonlySet<string> = new Set(["PKSIGN", "PKDECRYPT", "SETHASH"])

/** Where a command goes; `chosen` is the key that was chosen. */
export const targetOf = ({ argument, options, word }: Line, chosen: Keygrip | undefined): Target => {
  if (word === "HAVEKEY") return { kind: options.has("--list") ? "list" : "any" }
  if (word === "KEYINFO" && argument === undefined) return { kind: "list" }
  const keygrip = withChosen.has(word) ? chosen : ofKeys.has(word) ? parseKeygrip(argument ?? "") : undefined
  return keygrip === undefined ? { kind: "default" } : { kind: "key", keygrip }
}

/** Lines that only choose or describe: they go with the command that uses them. */
export const isHeld = ({ word }: Line): boolean => word === "SIGKEY" || word === "SETKEY" || word === "SETKEYDESC"

/** The key that a line chooses as the first of a command. */
export const chosenBy = ({ argument, options, word }: Line): Keygrip | undefined =>
  (word === "SIGKEY" || word === "SETKEY") && !options.has("--another") ? parseKeygrip(argument ?? "") : undefined

/** Which option a line sets: of the environment each variable is one. The value, which may be a secret, is left out. */
export const optionOf = (line: Buffer): string | undefined => {
  if (!line.subarray(0, OPTION.length).equals(OPTION)) return undefined
  const from = OPTION.length
  const name = line.toString("latin1", from, until(line, from))
  if (name !== "putenv") return name
  const variable = from + name.length + 1
  return `putenv ${line.toString("latin1", variable, until(line, variable))}`
}

const OPTION = Buffer.from("OPTION ")

/** Where a name ends: at `=`, a blank or the end of the line. */
const until = (line: Buffer, from: number): number => {
  let at = from
  while (at < line.length && line[at] !== 0x3d && line[at] !== 0x20 && line[at] !== 0x0a) at++
  return at
}
