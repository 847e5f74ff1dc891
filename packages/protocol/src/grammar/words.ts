// One description, two directions: words of a command line to the values of a command, and back.
// The agent finds its options with strstr, in places where no parser would look (GnuPG common/server-help.c), so the
// line it gets is made of values only: known options in the table's order, then arguments, single blanks between.
import * as Result from "effect/Result"
import type { Command, CommandSpec } from "./command.ts"
import type { Field, Value } from "./field.ts"

const BLANK = 0x20
const TAB = 0x09
const noOptions: ReadonlyMap<string, Value> = new Map()

const isBlank = (byte: number | undefined): boolean => byte === BLANK || byte === TAB

/** A place in the arguments of a line. */
class Cursor {
  at = 0
  readonly bytes: Buffer
  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.skipBlanks()
  }
  get done(): boolean {
    return this.at >= this.bytes.length
  }
  get atOption(): boolean {
    return this.bytes[this.at] === 0x2d && this.bytes[this.at + 1] === 0x2d
  }
  word(): Buffer {
    const from = this.at
    while (this.at < this.bytes.length && !isBlank(this.bytes[this.at])) this.at++
    const word = this.bytes.subarray(from, this.at)
    this.skipBlanks()
    return word
  }
  rest(): Buffer {
    const rest = this.bytes.subarray(this.at)
    this.at = this.bytes.length
    return rest
  }
  private skipBlanks(): void {
    while (isBlank(this.bytes[this.at])) this.at++
  }
}

/** Why a line is no command: in words of our own, never the client's, which may be a secret. */
export interface WordsError {
  readonly reason: string
}

const fail = (reason: string): Result.Result<never, WordsError> => Result.fail({ reason })

const readOption = (
  spec: CommandSpec,
  word: Buffer,
  options: Map<string, Value>
): WordsError | undefined => {
  const equals = word.indexOf(0x3d)
  const name = word.toString("latin1", 0, equals < 0 ? word.length : equals)
  const option = spec.options.find((candidate) => candidate.name === name)
  if (option === undefined) return { reason: `${spec.name} has no such option` }
  if (options.has(name)) return { reason: `${name} given twice` }
  if (equals < 0) {
    if (option.value !== undefined && option.bare === undefined) return { reason: `${name} needs a value` }
    options.set(name, option.bareMeans ?? "")
    return undefined
  }
  if (option.value === undefined) return { reason: `${name} takes no value` }
  const value = option.value.read(word.subarray(equals + 1))
  if (value === undefined) return { reason: `${name} needs ${option.value.names}` }
  options.set(name, value)
  return undefined
}

/** Reads what follows a command's name. Values that are bytes are views of the line. */
export const readWords = (spec: CommandSpec, bytes: Buffer): Result.Result<Command, WordsError> => {
  const cursor = new Cursor(bytes)
  let options: Map<string, Value> | undefined
  while (!cursor.done && cursor.atOption) {
    const word = cursor.word()
    if (word.length === 2) break
    options ??= new Map()
    const error = readOption(spec, word, options)
    if (error !== undefined) return Result.fail(error)
  }
  const args: Array<Value> = []
  for (const { field, optional, repeated } of spec.args) {
    if (cursor.done) {
      if (optional === undefined) return fail(`${spec.name} needs ${field.names}`)
      break
    }
    do {
      if (cursor.atOption && field.dashes === undefined) return fail("an option behind an argument")
      const value = field.read(field.rest === undefined ? cursor.word() : cursor.rest())
      if (value === undefined) return fail(`${spec.name} needs ${field.names}`)
      args.push(value)
    } while (repeated !== undefined && !cursor.done)
  }
  if (!cursor.done) return fail(`${spec.name}: more words than it takes`)
  const command: Command = { spec, options: options ?? noOptions, args }
  const reason = spec.check?.(command)
  return reason === undefined ? Result.succeed(command) : fail(reason)
}

const argumentField = (spec: CommandSpec, index: number): Field =>
  spec.args[Math.min(index, spec.args.length - 1)]!.field

/** The pieces of a command's line behind its name, each with a blank before it. */
export const writeWords = (command: Command, pieces: Array<Buffer>): void => {
  for (const option of command.spec.options) {
    const value = command.options.get(option.name)
    if (value === undefined) continue
    if (option.value === undefined || value === "") pieces.push(Buffer.from(` ${option.name}`))
    else pieces.push(Buffer.from(` ${option.name}=`), option.value.write(value))
  }
  command.args.forEach((value, index) => pieces.push(Buffer.from(" "), argumentField(command.spec, index).write(value)))
}
