// Redirect files: a regular file where a socket is looked for, which names the real one. Read by the rules of GnuPG's own
// clients, or the gate would guard another agent than the one that they would talk to without it.
import { MAX_SOCKET_PATH } from "@gripgate/policy/file/socket"
import * as Result from "effect/Result"
import { isUtf8 } from "node:buffer"
import * as fs from "node:fs"
import { isAbsolute } from "node:path"
import { reasonOf } from "../reason.ts"

/** Largest redirect file, in bytes (libassuan assuan-socket.c eval_redirection). */
export const MAX_REDIRECT = 511

const START = "%Assuan%\nsocket="

/**
 * The path that a redirect file names, or what is wrong with it. The file is `%Assuan%`, `socket=PATH`, each line ended by one
 * LF; what follows is not looked at. `${NAME}` is the variable of the environment, nothing where it is unset; there is no
 * escape for it. The path must be absolute and have at most 107 bytes.
 */
export const parseRedirect = (
  bytes: Buffer,
  env: { readonly [name: string]: string | undefined }
): Result.Result<string, string> => {
  if (bytes.length > MAX_REDIRECT) return Result.fail(`it has more than ${MAX_REDIRECT} bytes`)
  if (!isUtf8(bytes)) return Result.fail("it is not UTF-8")
  const text = bytes.toString()
  if (!text.startsWith(START)) return Result.fail("it does not begin with the lines \"%Assuan%\" and \"socket=PATH\"")
  if (!text.endsWith("\n")) return Result.fail("its last line does not end with a line feed")
  const name = text.slice(START.length, text.indexOf("\n", START.length))
  if (/[\r\0]/.test(name)) return Result.fail("the path contains a carriage return or a NUL")
  if (/\$\{[^}]*$/.test(name)) return Result.fail("a \"${\" has no \"}\"")
  const path = name.replace(/\$\{([^}]*)\}/g, (_, variable: string) => env[variable] ?? "")
  if (!isAbsolute(path)) return Result.fail(`expected an absolute path, found "${path}"`)
  const length = Buffer.byteLength(path)
  if (length > MAX_SOCKET_PATH) {
    return Result.fail(`a socket's path has at most ${MAX_SOCKET_PATH} bytes, this one has ${length}`)
  }
  return Result.succeed(path)
}

/** How many redirect files may stand behind one another: GnuPG's clients follow two (seen with GnuPG 2.2.40). */
const MAX_HOPS = 2

/**
 * Follows redirect files from a path to the path of the socket, or says why GnuPG would not. What is no regular file is
 * where it ends: a socket, a symbolic link to one, or nothing yet.
 */
export const followRedirects = (
  start: string,
  env: { readonly [name: string]: string | undefined }
): Result.Result<string, string> => {
  let path = start
  for (let hops = 0;; hops++) {
    let bytes: Buffer | undefined
    try {
      bytes = readRegular(path)
    } catch (error) {
      return Result.fail(`cannot look at ${path}: ${reasonOf(error)}`)
    }
    if (bytes === undefined) return Result.succeed(path)
    if (hops === MAX_HOPS) {
      return Result.fail(`${start} leads to more than ${MAX_HOPS} redirect files, the last is ${path}`)
    }
    const target = parseRedirect(bytes, env)
    if (Result.isFailure(target)) {
      return Result.fail(`${path} is neither a socket nor a redirect file that GnuPG follows: ${target.failure}`)
    }
    path = target.success
  }
}

/** The beginning of a regular file, a byte more than a redirect file may have; `undefined` for anything else. */
const readRegular = (path: string): Buffer | undefined => {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined
  const fd = fs.openSync(path, "r")
  try {
    const bytes = Buffer.alloc(MAX_REDIRECT + 1)
    return bytes.subarray(0, fs.readSync(fd, bytes))
  } finally {
    fs.closeSync(fd)
  }
}
