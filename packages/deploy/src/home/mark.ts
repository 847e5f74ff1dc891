// The file that says of a folder that it is a client homedir, and for whom: what --refresh goes by, and what keeps gripgate from
// taking a folder of somebody else's for one.
import { codeOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { attempt, HomeError } from "./home-error.ts"
import { putFile } from "./put-file.ts"

/** The name of the file in the homedir. */
export const MARK = "gripgate.json"

const fields = Schema.Struct({
  v: Schema.Literal(1),
  app: Schema.String,
  /** The socket that the homedir leads to. */
  socket: Schema.String,
  /** The owner's homedir; `null` where the keys came from a file. */
  homedir: Schema.NullOr(Schema.String),
  /** Fingerprints of the primary keys that came from the owner: these go when he has them no more. */
  keys: Schema.Array(Schema.String),
  /** Whether all has been done once; false where whoever made it was killed meanwhile. */
  complete: Schema.Boolean
})

/** What is written down in a client homedir. */
export type Mark = typeof fields.Type

/** The newest version of the file that is understood. */
const VERSION = 1

const versioned = Schema.Struct({ v: Schema.Int })

/** The mark of a folder; `undefined` where it has none. One that is newer or damaged is an error. */
export const readMark = Effect.fnUntraced(function*(folder: string): Effect.fn.Return<Mark | undefined, HomeError> {
  const file = join(folder, MARK)
  const text = yield* attempt(`${file} cannot be read`, () => {
    try {
      return readFileSync(file, "utf8")
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined
      throw error
    }
  })
  if (text === undefined) return undefined
  const mark = parseMark(text)
  if (Result.isSuccess(mark)) return mark.success
  return yield* mark.failure === "newer"
    ? new HomeError({
      message: `${file} was written by a newer gripgate (known is version ${VERSION} of the file)`,
      hint: "use that gripgate, or make another homedir with --dir DIR"
    })
    : new HomeError({
      message: `${file} is damaged`,
      hint: "nothing secret is in a client homedir: remove the folder, and make it again"
    })
})

/** The mark in the text of the file, or what is wrong with it. */
export const parseMark = (text: string): Result.Result<Mark, "newer" | "damaged"> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return Result.fail("damaged")
  }
  const version = Schema.decodeUnknownResult(versioned)(json)
  if (Result.isSuccess(version) && version.success.v > VERSION) return Result.fail("newer")
  return Result.mapError(Schema.decodeUnknownResult(fields)(json), () => "damaged" as const)
}

/** Writes the mark, in one step. */
export const writeMark = (folder: string, mark: Mark): Effect.Effect<void, HomeError> =>
  attempt(
    `${join(folder, MARK)} cannot be written`,
    () => putFile(join(folder, MARK), `${JSON.stringify(mark, undefined, 2)}\n`)
  )
