// The mark of a client homedir, looked at: which app it was made for, where it leads, and whose keys are in it.
import * as Result from "effect/Result"
import { join } from "node:path"
import { MARK, type Mark, parseMark } from "../../home/mark.ts"
import { readText } from "./files.ts"

/** The mark of a homedir; `undefined` where it has none, and a failure in words where it cannot be used. */
export const markIn = (homedir: string): Result.Result<Mark, string> | undefined => {
  const read = readText(join(homedir, MARK))
  if ("problem" in read) return read.problem === "absent" ? undefined : Result.fail("it cannot be read")
  return Result.mapError(
    parseMark(read.text),
    (wrong) => wrong === "newer" ? "a newer gripgate wrote it" : "it is no mark of a client homedir"
  )
}
