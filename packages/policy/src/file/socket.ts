// `socket = "..."`: the socket that an app owns. Who comes through it is that app, so its name must say without doubt
// which socket that is, to the gate and to the reader.
import { quote, type Wrong } from "./problem.ts"

/** Longest path of a Unix socket, in bytes: `sun_path` is 108 with its NUL (Linux unix(7)). */
export const MAX_SOCKET_PATH = 107

const FORMS = "a file name for a socket below the gate's run directory, or an absolute path"

/**
 * What is wrong with a socket's name, or `undefined`. It is a bare file name or an absolute path in its plainest
 * spelling (so that two apps with one socket are noticed), UTF-8, at most 107 bytes, without control characters. A
 * bare name may still turn out too long once it stands below the run directory.
 */
export const socketProblem = (name: string): Wrong | undefined => {
  if (name === "") return { message: "expected a socket, got an empty string", hint: FORMS }
  // U+FFFD is what is left of bytes that were no UTF-8.
  if (/[\p{Cc}\uFFFD]/u.test(name) || !name.isWellFormed()) {
    return { message: `control characters and invalid UTF-8 have no place in a socket's name: ${quote(name)}` }
  }
  const bytes = Buffer.byteLength(name)
  if (bytes > MAX_SOCKET_PATH) {
    return { message: `a socket's path has at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}` }
  }
  const parts = name.split("/")
  if (parts.length > 1 && parts[0] !== "") {
    return { message: `${quote(name)} is neither a file name nor an absolute path`, hint: FORMS }
  }
  const odd = parts.slice(parts.length > 1 ? 1 : 0).find((part) => part === "" || part === "." || part === "..")
  if (odd !== undefined) {
    const hint = "leave out \"..\", \".\", \"//\" and a slash at the end"
    return { message: `${quote(name)} is not the plain spelling of a socket`, hint }
  }
  return undefined
}
