// A client's line to a typed request, and a command back to the line for the agent. What cannot be parsed cannot be
// sent; what is sent is made from values, so no byte reaches the agent as the client spelled it.
import * as Result from "effect/Result"
import { type GpgError, gpgError } from "./gpg-error.ts"
import { carriesSecret, type Command, type CommandSpec } from "./grammar/command.ts"
import { readWords, writeWords } from "./grammar/words.ts"
import { MAX_LINE_OUT } from "./limits.ts"
import { readOption } from "./option-line.ts"
import { commandSpec, gripgateSpec, scdSpec } from "./table/index.ts"
import type { OptionNameSpec } from "./table/option.ts"

/** What a line of a client between two commands is. */
export type Request =
  /** An empty line or a comment: no reply. */
  | { readonly kind: "ignore" }
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "option"; readonly option: OptionNameSpec; readonly value: Buffer }
  /** A command that is answered with an error, after which the session goes on. */
  | { readonly kind: "refused"; readonly name: string; readonly error: GpgError; readonly reason: string }
  /** A line after which nothing can be trusted to be in step. */
  | { readonly kind: "violation"; readonly error: GpgError; readonly reason: string }

const IGNORE: Request = { kind: "ignore" }
const BLANK = 0x20
const TAB = 0x09
const NUL = 0x00
const CR = 0x0d
const LF_BYTE = 0x0a
const empty = Buffer.alloc(0)

const refused = (name: string, error: GpgError, reason: string): Request => ({ kind: "refused", name, error, reason })

/** The command's word: printable ASCII only, so that it can be shown. */
const wordPattern = /^[!-~]{1,40}$/

const wordEnd = (line: Buffer): number => {
  for (let at = 0; at < line.length; at++) if (line[at] === BLANK || line[at] === TAB) return at
  return line.length
}

/** Commands with a command inside them, and the tables of those. */
const inners: ReadonlyMap<string, (name: string) => CommandSpec | undefined> = new Map([
  ["SCD", scdSpec],
  ["GRIPGATE", gripgateSpec]
])

const readInner = (
  outer: string,
  specOf: (name: string) => CommandSpec | undefined,
  line: Buffer
): Result.Result<Command, string> => {
  let from = 0
  while (line[from] === BLANK || line[from] === TAB) from++
  const bytes = line.subarray(from)
  const end = wordEnd(bytes)
  const spec = specOf(bytes.toString("latin1", 0, end))
  if (spec === undefined) return Result.fail(`${outer}: a command that is not known`)
  return Result.mapError(readWords(spec, bytes.subarray(end)), (error) => `${outer} ${error.reason}`)
}

/** SETKEYDESC ends at its first blank (GnuPG agent/command.c cmd_setkeydesc); what follows is dropped there and here. */
const firstWordOnly = (bytes: Buffer): Buffer => {
  let from = 0
  while (bytes[from] === BLANK) from++
  const blank = bytes.indexOf(BLANK, from)
  return blank < 0 ? bytes : bytes.subarray(0, blank)
}

/** Parses one line. Values that are bytes are views of the line. */
export const parseRequest = (line: Buffer): Request => {
  if (line.length === 0 || line[0] === 0x23) return IGNORE
  if (line.indexOf(NUL) >= 0) {
    return { kind: "violation", error: gpgError.ASS_SYNTAX, reason: "a NUL byte in a command" }
  }
  // no reader of lines gives one out; were it taken here, what stands behind it would be a command of its own
  if (line.indexOf(LF_BYTE) >= 0) {
    return { kind: "violation", error: gpgError.ASS_SYNTAX, reason: "a line feed inside a line" }
  }
  if (line.indexOf(CR) >= 0) return refused("", gpgError.ASS_SYNTAX, "a carriage return inside a command")
  if (line[0] === BLANK || line[0] === TAB) return refused("", gpgError.ASS_SYNTAX, "leading white-space")
  const end = wordEnd(line)
  const name = line.toString("latin1", 0, end)
  if (!wordPattern.test(name)) return refused("", gpgError.ASS_UNKNOWN_CMD, "a command that is not known")
  const spec = commandSpec(name)
  // `d` is no command to the agent, though `D` is one that it does not implement
  if (spec === undefined || (spec.name === "D" && name !== "D")) {
    // its word is not shown: a client that is out of step may have sent a passphrase
    return refused("", gpgError.ASS_UNKNOWN_CMD, "a command that is not known")
  }
  const behind = end < line.length ? line.subarray(end + 1) : empty
  if (spec.fate === "never") {
    return spec.name === "INPUT" || spec.name === "OUTPUT"
      ? refused(spec.name, gpgError.FORBIDDEN, `${spec.name} is never sent to an agent`)
      : refused(spec.name, gpgError.NOT_IMPLEMENTED, spec.note)
  }
  if (spec.name === "OPTION") return readOption(behind)
  const specOf = inners.get(spec.name)
  if (specOf !== undefined) {
    const inner = readInner(spec.name, specOf, behind)
    return Result.isFailure(inner)
      ? refused(spec.name, gpgError.ASS_PARAMETER, inner.failure)
      : { kind: "command", command: { spec, options: new Map(), args: [], inner: inner.success } }
  }
  const parsed = readWords(spec, spec.name === "SETKEYDESC" ? firstWordOnly(behind) : behind)
  if (Result.isFailure(parsed)) return refused(spec.name, gpgError.ASS_PARAMETER, parsed.failure.reason)
  return { kind: "command", command: parsed.success }
}

const LF = Buffer.from("\n")

/**
 * The line for the agent, with LF; `undefined` where it would be longer than the 1000 bytes that are written. A client's
 * own line may have one byte more than that.
 */
export const writeRequest = (command: Command): Buffer | undefined => {
  const pieces: Array<Buffer> = []
  if (command.inner !== undefined) {
    pieces.push(Buffer.from(`${command.spec.name} ${command.inner.spec.name}`))
    writeWords(command.inner, pieces)
  } else {
    pieces.push(Buffer.from(command.spec.name))
    writeWords(command, pieces)
  }
  pieces.push(LF)
  const line = join(pieces, carriesSecret(command))
  return line.length <= MAX_LINE_OUT + 1 ? line : undefined
}

/** A secret is kept out of the pool that small buffers share. */
const join = (pieces: ReadonlyArray<Buffer>, secret: boolean): Buffer => {
  if (!secret) return Buffer.concat(pieces)
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const line = Buffer.allocUnsafeSlow(Math.max(length, 4096)).subarray(0, length)
  let at = 0
  for (const piece of pieces) at += piece.copy(line, at)
  return line
}

/** The line that brings an option to the agent. */
export const writeOption = (name: string, value: Buffer): Buffer =>
  value.length === 0
    ? Buffer.from(`OPTION ${name}\n`)
    : Buffer.concat([Buffer.from(`OPTION ${name}=`), value, LF])
