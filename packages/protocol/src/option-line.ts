// The words of an OPTION line. libassuan takes four spellings and strips blanks at the end
// (assuan-handler.c std_handler_option); the agent is sent one.
import { gpgError } from "./gpg-error.ts"
import { MAX_LINE_OUT } from "./limits.ts"
import type { Request } from "./request.ts"
import { optionName } from "./table/option.ts"

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09
const EQUALS = 0x3d
const DASH = 0x2d

const refused = (error: typeof gpgError[keyof typeof gpgError], reason: string): Request => ({
  kind: "refused",
  name: "OPTION",
  error,
  reason
})

const skip = (bytes: Buffer, from: number): number => {
  while (isBlank(bytes[from])) from++
  return from
}

/** Reads what follows `OPTION `. */
export const readOption = (bytes: Buffer): Request => {
  const from = skip(bytes, 0)
  if (from === bytes.length) return refused(gpgError.ASS_SYNTAX, "argument required")
  let to = from
  while (to < bytes.length && !isBlank(bytes[to]) && bytes[to] !== EQUALS) to++
  if (to === from) return refused(gpgError.ASS_SYNTAX, "no option name given")
  let at = skip(bytes, to)
  if (bytes[at] === EQUALS) {
    at = skip(bytes, at + 1)
    if (at === bytes.length) return refused(gpgError.ASS_SYNTAX, "option argument expected")
  }
  let stop = bytes.length
  while (stop > at && isBlank(bytes[stop - 1])) stop--
  let name = bytes.toString("latin1", from, to)
  if (name.length > 2 && name.startsWith("--")) name = name.slice(2)
  if (name.charCodeAt(0) === DASH) return refused(gpgError.ASS_SYNTAX, "option should not begin with one dash")
  const option = optionName(name)
  if (option === undefined) return refused(gpgError.UNKNOWN_OPTION, "an option that is not known")
  const value = bytes.subarray(at, stop)
  // `OPTION name=value` is what will be written, and a client's own line may have one byte more
  if ("OPTION =".length + option.name.length + value.length > MAX_LINE_OUT) {
    return refused(gpgError.ASS_LINE_TOO_LONG, `${option.name}: a value that is too long`)
  }
  // a value that may be a secret has no pattern, so it never becomes a string
  const fits = value.length === 0 ? option.empty : option.value?.test(value.toString("latin1")) ?? true
  return fits
    ? { kind: "option", option, value }
    : refused(gpgError.INV_VALUE, `${option.name}: not a value it can have`)
}
