// Valid commands made from the table itself: for each word of a description values that it takes, found by trying a pool
// of spellings, so that a new kind of word is covered without a word here, or fails loudly.
import * as fc from "fast-check"
import type { ArgumentSpec, Command, CommandSpec, OptionSpec } from "../src/grammar/command.ts"
import type { Field, Value } from "../src/grammar/field.ts"
import { MAX_LINE_OUT } from "../src/limits.ts"
import { scdCommands } from "../src/table/card.ts"
import { getinfoWords } from "../src/table/getinfo.ts"
import { commands, commandSpec } from "../src/table/index.ts"
import { optionNames, type OptionNameSpec } from "../src/table/option.ts"

const string = (characters: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...characters), { minLength, maxLength }).map((found) => found.join(""))

const digits = "0123456789"
const hexDigits = "0123456789ABCDEFabcdef"
const marks = "_.:,/@+=-$[]"
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/** Any byte but the three that no line has. */
const byte = fc.integer({ min: 1, max: 255 }).filter((value) => value !== 10 && value !== 13)
const bytes = fc.array(byte, { minLength: 1, maxLength: 40 }).map((found) => Buffer.from(found).toString("latin1"))
const texts = bytes.map((text) => text.replace(/[ \t]/g, "+"))

const pool: ReadonlyArray<fc.Arbitrary<string>> = [
  string(hexDigits, 40, 40),
  string(hexDigits, 32, 32),
  string(hexDigits, 2, 60),
  string(digits, 1, 9),
  fc.integer({ min: -99999, max: 99999 }).map(String),
  fc.tuple(string(digits, 8, 8), string(digits, 6, 6)).map(([date, time]) => `${date}T${time}`),
  string(letters + digits + marks, 1, 20),
  texts,
  bytes
]

/** Values of a field, in the form in which it gives them out. */
const fieldValue = (field: Field): fc.Arbitrary<Value> => {
  // a field is given a word without blanks, or the rest of the line without those before it
  const apart = field.rest === undefined ? /[ \t]/ : /^[ \t]/
  const read = (text: string): Value | undefined =>
    apart.test(text) ? undefined : field.read(Buffer.from(text, "latin1"))
  // the name of a choice is its words
  const words = field.names.split("|").filter((word) => read(word) !== undefined)
  const candidates = words.length > 0 ? [fc.constantFrom(...words), ...pool] : pool
  const good = candidates.filter((candidate) =>
    fc.sample(candidate, { seed: 40, numRuns: 40 }).filter((text) => read(text) !== undefined).length >= 10
  )
  if (good.length === 0) throw new Error(`no spelling in the pool fits ${field.names}`)
  return fc.oneof(...good).map(read).filter((value) => value !== undefined)
}

const values = new Map<Field, fc.Arbitrary<Value>>()
const valueOf = (field: Field): fc.Arbitrary<Value> => {
  const known = values.get(field)
  if (known !== undefined) return known
  const made = fieldValue(field)
  values.set(field, made)
  return made
}

const optionValue = (option: OptionSpec): fc.Arbitrary<Value> => {
  if (option.value === undefined) return fc.constant("")
  const given = valueOf(option.value)
  // a bare option with a meaning of its own is read as that meaning
  return option.bare === undefined || option.bareMeans !== undefined ? given : fc.oneof(fc.constant(""), given)
}

const optionsOf = (spec: CommandSpec): fc.Arbitrary<Map<string, Value>> =>
  fc.tuple(...spec.options.map((option) => fc.option(optionValue(option), { nil: undefined }))).map((found) =>
    new Map(
      spec.options.flatMap((option, index) => found[index] === undefined ? [] : [[option.name, found[index]] as const])
    )
  )

const argumentsOf = (args: ReadonlyArray<ArgumentSpec>): fc.Arbitrary<ReadonlyArray<Value>> => {
  const needed = args.filter(({ optional }) => optional === undefined).length
  return fc.integer({ min: needed, max: args.length }).chain((count) =>
    fc.tuple(
      ...args.slice(0, count).map(({ field, repeated }) =>
        repeated === undefined
          ? valueOf(field).map((value) => [value])
          : fc.array(valueOf(field), { minLength: 1, maxLength: 24 })
      )
    ).map((found) => found.flat())
  )
}

/** Where the table checks what goes together, trying at random would take too long. */
const together: Record<string, fc.Arbitrary<readonly [Map<string, Value>, ReadonlyArray<Value>]>> = {
  GETINFO: fc.constantFrom(...getinfoWords).chain(({ more, word }) =>
    fc.array(string(letters, 1, 20), { minLength: more, maxLength: more }).map((words) =>
      [new Map(), [word, ...words]] as const
    )
  ),
  SETHASH: fc.tuple(
    fc.constantFrom(16, 20, 24, 28, 32, 48, 64),
    fc.constantFrom(undefined, "sha1", "sha224", "sha256", "sha384", "sha512", "rmd160", "md5", "tls-md5sha1"),
    fc.integer({ min: 1, max: 400 }),
    fc.boolean()
  ).chain(([length, hash, number, pss]) =>
    string(hexDigits, 2 * length, 2 * length).map((digest) => {
      const options: Array<[string, Value]> = hash === undefined ? [] : [["--hash", hash]]
      if (pss) options.push(["--pss", ""])
      return [new Map(options), [...(hash === undefined ? [String(number)] : []), digest.toUpperCase()]] as const
    })
  )
}

const words = (spec: CommandSpec): fc.Arbitrary<Command> =>
  fc.oneof(
    ...(together[spec.name] !== undefined && spec.check !== undefined ? [together[spec.name]!] : []),
    ...(spec.name === "GETINFO" && spec.check !== undefined ? [] : [fc.tuple(optionsOf(spec), argumentsOf(spec.args))])
  ).map(([options, args]) => ({ spec, options, args })).filter((made) => spec.check?.(made) === undefined)

const length = (made: Command): number =>
  made.spec.name.length
  + [...made.options].reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0)
  + made.args.reduce((sum, value) => sum + value.length + 1, 0)

/** Valid commands of one description, none longer than a line. */
export const commandOf = (spec: CommandSpec): fc.Arbitrary<Command> =>
  words(spec).filter((made) => length(made) <= MAX_LINE_OUT - 4)

/** Everything that can be parsed and written: not what is never sent, and OPTION and SCD have ways of their own. */
export const plainSpecs: ReadonlyArray<CommandSpec> = commands.filter(({ fate, name }) =>
  fate !== "never" && name !== "OPTION" && name !== "SCD" && name !== "GRIPGATE"
)

const scd = commandSpec("SCD")!

/** Valid commands of one description of the card's table, inside SCD. */
export const cardCommandOf = (spec: CommandSpec): fc.Arbitrary<Command> =>
  commandOf(spec).map((inner) => ({ spec: scd, options: new Map(), args: [], inner }))

/** Any valid command. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...plainSpecs.map(commandOf),
  ...scdCommands.map(cardCommandOf)
)

const optionWords = fc.constantFrom("ask", "default", "cancel", "error", "loopback", "local", "remote", "browser")
const optionValues = fc.oneof(
  optionWords,
  fc.constantFrom("2.1.0", "0", "1", "-1", "65536", ":0", "/dev/tty", "C.UTF-8", "TERM=xterm", "A=", "A"),
  bytes.map((text) => text.replace(/^[ \t=]+|[ \t]+$/g, "x")),
  fc.constant("")
)

/** A value that an option takes, as it stands on the wire. */
export const optionValueOf = (option: OptionNameSpec): fc.Arbitrary<Buffer> =>
  optionValues.filter((text) => text === "" ? option.empty : option.value?.test(text) ?? true)
    .map((text) => Buffer.from(text, "latin1"))

export { optionNames, scdCommands }
