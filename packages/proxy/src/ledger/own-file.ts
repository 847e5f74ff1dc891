// Files that nobody but this user may read or write, and making them so that a crash leaves all of a file or nothing.
import { constants, rmSync } from "node:fs"
import { type FileHandle, open, rename } from "node:fs/promises"
import { dirname } from "node:path"
import { codeOf } from "../reason.ts"
import { LedgerError } from "./ledger-error.ts"

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/**
 * Opens a file of ours; `undefined` where there is none. What lies at the path without being a file of ours is an error:
 * whoever could write to it would be believed.
 */
export const openOwn = async (path: string, flags: number): Promise<FileHandle | undefined> => {
  const handle = await openFound(path, flags | O_NOFOLLOW | O_NONBLOCK)
  if (handle === undefined) return undefined
  try {
    const stat = await handle.stat()
    const problem = stat.isFile() ? notOurs(stat.uid, stat.mode & 0o7777) : "is not a file"
    if (problem === undefined) return handle
    throw new LedgerError({
      message: `${path} ${problem}`,
      hint: "only a file of the gate's own user, mode 0600, is used"
    })
  } catch (error) {
    await handle.close()
    throw error
  }
}

const openFound = async (path: string, flags: number): Promise<FileHandle | undefined> => {
  try {
    return await open(path, flags, 0o600)
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

const notOurs = (uid: number, mode: number): string | undefined => {
  if (uid !== (process.getuid?.() ?? uid)) return `belongs to somebody else (uid ${uid})`
  return (mode & 0o077) === 0 ? undefined : `may be used by others (mode ${mode.toString(8).padStart(4, "0")})`
}

/** Makes a file with these bytes; when this is done, it and its name are durable. */
export const makeOwn = async (path: string, bytes: Uint8Array): Promise<void> => {
  const temporary = `${path}.new`
  // what an earlier attempt left
  rmSync(temporary, { force: true })
  {
    await using handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    await writeAll(handle, bytes, 0)
    await handle.sync()
  }
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Makes the names in a folder durable. */
export const syncFolder = async (path: string): Promise<void> => {
  await using folder = await open(path, O_RDONLY)
  await folder.sync()
}

/** Writes all bytes at a place; the system may take them in parts. */
export const writeAll = async (handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let at = 0; at < bytes.length;) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}
