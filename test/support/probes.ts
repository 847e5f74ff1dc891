// Lines about one keygrip in every form that the table of commands knows, and lines that list keys: a command that is added
// to the table is tried by itself. Its border: it makes text, and sends none.
import type { ArgumentSpec, CommandSpec, OptionSpec } from "@gripgate/protocol/grammar/command"
import type { Field } from "@gripgate/protocol/grammar/field"
import { parseRequest } from "@gripgate/protocol/request"
import { scdCommands } from "@gripgate/protocol/table/card"
import { commands } from "@gripgate/protocol/table/index"
import { DIGEST } from "./wire.ts"

/** Stands in a probe for the keygrip that it is about. */
export const KEY = "F".repeat(40)

/** Lines that belong together, in one state of the session. */
export type Probe = ReadonlyArray<string>

const read = (field: Field, text: string) => field.read(Buffer.from(text, "latin1"))

/** Values for whatever a field may be; a choice names its words itself. */
const samples = ["1", "2", "0", "1000", "-1", "X", "AB", DIGEST, "20261123T055141", "AB".repeat(20)]
const valuesOf = (field: Field): ReadonlyArray<string> =>
  [...field.names.split("|"), ...samples].filter((text) => read(field, text) !== undefined)

/** Whether a key can be named here: by a word, and not in a text or in a secret, which are bytes. */
const takesKey = (field: Field): boolean => typeof read(field, KEY) === "string"

const optionForms = ({ keys }: CommandSpec, { bare, name, value }: OptionSpec): ReadonlyArray<string> => {
  if (value === undefined) return [name]
  const some = valuesOf(value).slice(0, keys === "ask" ? 4 : 1)
  const values = [...some, ...takesKey(value) ? [KEY] : []].map((word) => `${name}=${word}`)
  return bare === true ? [name, ...values] : values
}

/** No option, each one, and any two where keys are meant. */
const optionSets = (spec: CommandSpec): ReadonlyArray<ReadonlyArray<string>> => {
  const forms = spec.options.map((option) => optionForms(spec, option))
  const pairs = forms.flatMap((ones, index) =>
    forms.slice(index + 1).flatMap((others) => ones.flatMap((one) => others.map((other) => [one, other])))
  )
  return [[], ...forms.flat().map((one) => [one]), ...spec.keys === "none" ? [] : pairs]
}

const someWord = ({ field }: ArgumentSpec): string => {
  const [word] = valuesOf(field)
  if (word === undefined) throw new Error(`no value is known for ${field.names}: add one to the samples`)
  return word
}

/** As many arguments as there have to be, up to all of them; the key in none of their places, and in each. */
const argumentLists = (args: ReadonlyArray<ArgumentSpec>): ReadonlyArray<ReadonlyArray<string>> => {
  const needed = args.filter(({ optional }) => optional !== true).length
  return Array.from({ length: args.length - needed + 1 }, (_, more) => args.slice(0, needed + more)).flatMap(
    (given) => {
      const words = given.map(someWord)
      return [words, ...given.flatMap(({ field }, at) => takesKey(field) ? [words.with(at, KEY)] : [])]
    }
  )
}

const isCommand = (line: string): boolean => {
  const request = parseRequest(Buffer.from(line, "latin1"))
  return request.kind === "command" && request.command.spec.fate !== "gate"
}

/** Every line of a command that the gate understands. */
const linesOf = (spec: CommandSpec, prefix = ""): ReadonlyArray<string> =>
  optionSets(spec).flatMap((options) =>
    argumentLists(spec.args).map((args) => [`${prefix}${spec.name}`, ...options, ...args].join(" "))
  ).filter((line) => line.split(KEY).length <= 2 && isCommand(line))

const all: ReadonlyArray<readonly [CommandSpec, ReadonlyArray<string>]> = [
  ...commands.filter(({ name }) => name !== "SCD").map((spec) => [spec, linesOf(spec)] as const),
  ...scdCommands.map((spec) => [spec, linesOf(spec, "SCD ")] as const)
]

/** Commands whose keygrip is a key's, and no name that a client is free to choose. */
export const keyCommands: ReadonlySet<string> = new Set(
  commands.filter(({ keys }) => keys !== "none").map(({ name }) => name)
)

const single: ReadonlyArray<Probe> = all.flatMap(([, lines]) => lines.filter((line) => line.includes(KEY)))
  .map((line) => [line])

const setters = all.filter(([{ fate, keys }]) => fate === "hold" && keys === "use").flatMap(([, lines]) =>
  lines.filter((line) => line.includes(KEY))
)
const uses = all.filter(([{ keys }]) => keys === "session").flatMap(([, lines]) =>
  lines.filter((line) => !line.includes(KEY))
)
const HASH = `SETHASH 8 ${DIGEST}`

/** A use of the key that the session chose, alone or as one of two; `visible` is a key that the client may use. */
const chosen = (visible: string): ReadonlyArray<Probe> => {
  const isOther = (line: string) => line.includes("--another")
  const pairs = setters.flatMap((one) =>
    setters.filter((other) => isOther(other) !== isOther(one)).flatMap((other) => [
      [one, other.replace(KEY, visible)],
      [other.replace(KEY, visible), one]
    ])
  )
  const again = setters.flatMap((setter) => [
    [setter, setter.replace(KEY, visible)],
    [setter.replace(KEY, visible), setter]
  ])
  const choices = [...setters.map((setter) => [setter]), ...pairs, ...again]
  return uses.flatMap((use) => choices.map((choice) => [...choice, HASH, "SETKEYDESC text", use]))
}

/** HAVEKEY with several keys in every order: the key, one that is visible, and one more that nobody has. */
const orders = (visible: string, nobodys: string): ReadonlyArray<Probe> => {
  const two = (one: string, other: string) => [[one, other], [other, one]]
  const three = [[KEY, visible, nobodys], [KEY, nobodys, visible], [visible, KEY, nobodys]]
  return [
    ...two(KEY, visible),
    ...two(KEY, nobodys),
    [KEY, KEY],
    [KEY, KEY.toLowerCase()],
    ...three,
    ...three.map((order) => order.toReversed())
  ].map((order) => [`HAVEKEY ${order.join(" ")}`])
}

/** Everything that can be said about one key. */
export const probes = (visible: string, nobodys: string): ReadonlyArray<Probe> => [
  ...single,
  ...orders(visible, nobodys),
  ...chosen(visible),
  // what was known a moment ago is answered without the agent
  [`HAVEKEY ${visible}`, `HAVEKEY ${visible} ${KEY}`, `HAVEKEY ${KEY}`, `HAVEKEY ${KEY}`],
  [`KEYINFO ${KEY.toLowerCase()}`, `READKEY ${KEY.toLowerCase()}`, `READKEY -- ${KEY}`]
]

/** Everything that lists keys, or tells about one that is visible. */
export const listings = (visible: string): ReadonlyArray<Probe> =>
  all.filter(([{ keys }]) => keys === "ask").flatMap(([, lines]) =>
    lines.map((line) => [line.replaceAll(KEY, visible)])
  )

/** A probe about this very keygrip. */
export const about = (probe: Probe, keygrip: string): Probe =>
  probe.map((line) => line.replaceAll(KEY, keygrip).replaceAll(KEY.toLowerCase(), keygrip.toLowerCase()))
