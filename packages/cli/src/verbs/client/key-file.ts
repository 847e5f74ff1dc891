// `--keys FILE`: public keys from a file or stdin, for a client that cannot read the owner's keyring.
import { reasonOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { exitCode } from "../../exit-code.ts"
import { type Failure, failure } from "../../failure.ts"

/** Most bytes of a key file: a keyring of many thousands of certificates. */
const MAX = 64 * 1024 * 1024

const CHUNK = 64 * 1024

/** All bytes of a file; of stdin for `-`. */
export const readKeyFile = (file: string): Effect.Effect<Buffer, Failure> =>
  Effect.try({
    try: () => {
      if (file === "-") return readAll(0)
      const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
      try {
        if (!fstatSync(fd).isFile()) throw new Error("not a regular file")
        return readAll(fd)
      } finally {
        closeSync(fd)
      }
    },
    catch: (error) =>
      failure(
        exitCode.failed,
        `the keys in ${file === "-" ? "standard input" : file} cannot be read: ${reasonOf(error)}`
      )
  })

const readAll = (fd: number): Buffer => {
  const chunks: Array<Buffer> = []
  for (let size = 0;;) {
    const chunk = Buffer.alloc(CHUNK)
    const read = readSync(fd, chunk)
    if (read === 0) return Buffer.concat(chunks)
    size += read
    if (size > MAX) throw new Error(`more than ${MAX / 1024 / 1024} MiB`)
    chunks.push(chunk.subarray(0, read))
  }
}
