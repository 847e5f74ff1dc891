// The mark of a client homedir: which app it was made for, where it leads, and whose keys are in it. Whoever makes one writes it.
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { join } from "node:path"
import { readText } from "./files.ts"

const Mark = Schema.Struct({
  v: Schema.Literal(1),
  app: Schema.String,
  /** The socket that it leads to. */
  socket: Schema.String,
  /** The owner's homedir; `null` where its keys came from elsewhere. */
  homedir: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** Fingerprints of the certificates that came from there. */
  keys: Schema.Array(Schema.String)
})

export interface HomeMark {
  readonly app: string
  readonly socket: string
  readonly homedir: string | undefined
  readonly keys: ReadonlyArray<string>
}

export const MARK = "gripgate.json"

const decode = Schema.decodeUnknownOption(Mark)

/** The mark of a homedir; `undefined` where it has none, and a failure in words where it cannot be used. */
export const markIn = (homedir: string): Result.Result<HomeMark, string> | undefined => {
  const read = readText(join(homedir, MARK))
  if ("problem" in read) return read.problem === "absent" ? undefined : Result.fail("it cannot be read")
  let value: unknown
  try {
    value = JSON.parse(read.text)
  } catch {
    return Result.fail("it is not JSON")
  }
  const mark = Option.getOrUndefined(decode(value))
  if (mark !== undefined) return Result.succeed({ ...mark, homedir: mark.homedir ?? undefined })
  const { v } = Object(value) as { readonly v?: unknown }
  return Result.fail(typeof v === "number" && v > 1 ? "a newer gripgate wrote it" : "it is no mark of a client homedir")
}
