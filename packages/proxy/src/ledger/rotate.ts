// Puts the file of a ledger aside, under the number of its first record, and a new one in its place, whose first record
// goes on with the chain. At every moment there is a whole file under the ledger's name.
import type { KeyObject } from "node:crypto"
import { constants, rmSync } from "node:fs"
import { type FileHandle, link, open, rename } from "node:fs/promises"
import { dirname } from "node:path"
import { type Firsts, olderPath } from "./files.ts"
import { syncFolder, writeAll } from "./own-file.ts"
import { type Position, writeBegin } from "./record.ts"

/** When a ledger goes on in a new file. */
export interface Rotate {
  /** A file that is longer is put aside, in bytes. */
  readonly bytes: number
  /** How many older files are kept, at least 1. */
  readonly keep: number
  /** Goes into the first record of each new file: what is to be known without the older ones. */
  readonly carry: () => unknown
  /** Gets what the first record of the file carries, when the ledger is opened. */
  readonly carried: (value: unknown) => void
}

export interface Fresh extends Firsts {
  readonly handle: FileHandle
  /** Its length in bytes. */
  readonly end: number
  readonly position: Position
}

/**
 * Everything up to `position` is durable in the file, and so is the head. When this is done the new file is in place and its
 * content durable; that it is in place is not, until the folder was synchronised. After a failure the old file is in place.
 */
export const putAside = async (
  { at, carried, file, firsts, keep, key, position }: {
    readonly file: string
    readonly key: KeyObject
    readonly firsts: Firsts
    readonly keep: number
    readonly position: Position
    readonly at: number
    readonly carried: unknown
  }
): Promise<Fresh> => {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants
  const older = [...firsts.older, firsts.first].slice(-keep)
  const { line, position: begun } = writeBegin(key, position, at, { files: older, carried })
  const temporary = `${file}.new`
  const aside = olderPath(file, firsts.first)
  let linked = false
  // what an earlier attempt left
  rmSync(temporary, { force: true })
  const handle = await open(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await writeAll(handle, line, 0)
    await handle.sync()
    await link(file, aside)
    linked = true
    // before the other name goes to the new file: the records must never be without one
    await syncFolder(dirname(file))
    await rename(temporary, file)
    return { handle, end: line.length, position: begun, first: begun.n, older }
  } catch (error) {
    await handle.close()
    rmSync(temporary, { force: true })
    if (linked) rmSync(aside, { force: true })
    throw error
  }
}
