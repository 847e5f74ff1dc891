// A path in the file: absolute and in UTF-8, so that it says the same to everybody.
import * as Result from "effect/Result"
import { quote, type Wrong } from "./problem.ts"

/** Reads an absolute path. */
export const parsePath = (path: string): Result.Result<string, Wrong> => {
  // U+FFFD is what is left of bytes that were no UTF-8.
  if (/[\p{Cc}\uFFFD]/u.test(path) || !path.isWellFormed()) {
    return Result.fail({ message: `control characters and invalid UTF-8 have no place in a path: ${quote(path)}` })
  }
  if (path.startsWith("/")) return Result.succeed(path)
  const hint = path.startsWith("~")
    ? "nothing stands for a home directory here: write it out, from \"/\" on"
    : "an absolute path begins with \"/\""
  return Result.fail({
    message: `expected an absolute path, got ${path === "" ? "an empty string" : quote(path)}`,
    hint
  })
}
