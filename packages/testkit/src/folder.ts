// Temporary folders whose path is short enough for sockets, which have at most 107 bytes.
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dir, setGracefulCleanup } from "tmp-promise"

const common = (): string => Buffer.byteLength(tmpdir()) <= 60 ? tmpdir() : "/tmp"

/**
 * Makes a folder of mode 0700 named `PREFIX-XXXXXX` in `where`, else in the system's place for temporary files, or in /tmp where that
 * has a long path. Whoever makes it removes it; as a last resort it goes when this process exits.
 */
export const makeFolder = async (prefix: string, where: string = common()): Promise<string> => {
  setGracefulCleanup()
  const { path } = await dir({ template: `${prefix}-XXXXXX`, tmpdir: where, mode: 0o700, unsafeCleanup: true })
  return path
}

/** Removes a folder and all in it; one that is gone is no error. Tries again where somebody is just writing to it. */
export const removeFolder = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 5 })
