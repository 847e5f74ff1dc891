// The files that a ledger consists of: the one that is written, and older ones that were put aside whole. Which must be
// there the first record of the newest says; it is not checked here.
import { constants, readdirSync, rmSync, statSync } from "node:fs"
import { type FileHandle, stat } from "node:fs/promises"
import { basename, dirname, extname, join } from "node:path"
import { codeOf } from "../reason.ts"
import { openOwn } from "./own-file.ts"
import { MAX_LINE, startOf } from "./record.ts"

/** Digits of a record's number in a name: names sort as numbers do. */
const DIGITS = 16

/** The files of a ledger by the numbers of their first records. */
export interface Firsts {
  /** Of the file that is written. */
  readonly first: number
  /** Of the older ones that are kept, oldest first. */
  readonly older: ReadonlyArray<number>
}

/** An older file; `first` is the number of its first record. */
export interface OlderFile {
  readonly first: number
  readonly file: string
  /** `undefined` where it is not there. */
  readonly handle: FileHandle | undefined
}

/** All files of a ledger, as they were at one moment. */
export interface LedgerFiles extends AsyncDisposable {
  /** `undefined` where there is none. */
  readonly handle: FileHandle | undefined
  /** The number of its first record; 1 where it has none yet. */
  readonly first: number
  /** Oldest first. */
  readonly older: ReadonlyArray<OlderFile>
}

/** `journal.0000000000000001.jsonl` for `journal.jsonl`. */
export const olderPath = (file: string, first: number): string => {
  const end = extname(file)
  return join(dirname(file), `${basename(file, end)}.${String(first).padStart(DIGITS, "0")}${end}`)
}

/** Opens all files of a ledger to read them, also beside whoever writes and puts aside. */
export const openFiles = async (file: string): Promise<LedgerFiles> => {
  for (;;) {
    const handle = await openOwn(file, constants.O_RDONLY)
    const older: Array<OlderFile> = []
    const close = async () => {
      for (const each of [handle, ...older.map(({ handle }) => handle)]) await each?.close()
    }
    try {
      const begun = handle === undefined ? NOTHING : await firstsIn(handle)
      for (const first of begun.older) {
        const path = olderPath(file, first)
        older.push({ first, file: path, handle: await openOwn(path, constants.O_RDONLY) })
      }
      // an older file that is missed is none where the ledger went on to a new one meanwhile
      const isMissed = handle === undefined || older.some(({ handle }) => handle === undefined)
      if (!isMissed || (await fileInPlace(file, handle))) {
        return { handle, first: begun.first, older, [Symbol.asyncDispose]: close }
      }
    } catch (error) {
      await close()
      throw error
    }
    await close()
  }
}

/** Whether a file is still the one under its name, or there is none as before. */
export const fileInPlace = async (file: string, handle: FileHandle | undefined): Promise<boolean> =>
  (await inodeOf(file)) === (await handle?.stat({ bigint: true }))?.ino

const inodeOf = async (path: string): Promise<bigint | undefined> => {
  try {
    return (await stat(path, { bigint: true })).ino
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

const NOTHING: Firsts = { first: 1, older: [] }

/** What the first line of a file says of it and of older ones. One that is put in place behind others has it from the start. */
const firstsIn = async (handle: FileHandle): Promise<Firsts> => {
  const bytes = Buffer.alloc(MAX_LINE)
  const { bytesRead } = await handle.read(bytes, 0, MAX_LINE, 0)
  const line = bytes.subarray(0, Math.max(0, bytes.subarray(0, bytesRead).indexOf("\n")))
  const start = startOf(line)
  if (start === undefined) return NOTHING
  try {
    const { begin } = JSON.parse(line.toString()) as { readonly begin?: { readonly files?: unknown } }
    const files = begin?.files
    const older = Array.isArray(files) ? files.filter((first) => Number.isSafeInteger(first) && first > 0) : []
    return { first: start.n + 1, older }
  } catch {
    return NOTHING
  }
}

/** The older files that lie beside a file, by the numbers of their first records, whether they are kept or not. */
export const olderBeside = (file: string): ReadonlyArray<number> => {
  const end = extname(file)
  const start = `${basename(file, end)}.`
  return readdirSync(dirname(file)).flatMap((name) => {
    const isOne = name.startsWith(start) && name.endsWith(end) && name.length === start.length + DIGITS + end.length
    const digits = name.slice(start.length, start.length + DIGITS)
    return isOne && /^\d+$/.test(digits) ? [Number(digits)] : []
  })
}

/**
 * Removes what a crash left when a file was put aside: the older files that are not kept any more, and a second name of the
 * file that is written. `first` is the number of its first record, `kept` are those of the older files.
 */
export const removeLeftOver = (file: string, first: number, kept: ReadonlyArray<number>): void => {
  const oldest = kept[0] ?? first
  for (const its of olderBeside(file)) {
    const path = olderPath(file, its)
    if (its < oldest || its === first && statSync(path).ino === statSync(file).ino) rmSync(path, { force: true })
  }
}
