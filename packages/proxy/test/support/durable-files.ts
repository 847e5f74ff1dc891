// What of a folder would be there after the power had failed: files as they were when they were last synchronised, under the
// names that were there when their folder was. Folders themselves count as durable.
import type * as Fs from "node:fs"
import { dirname, join } from "node:path"

interface Content {
  readonly bytes: Buffer
  readonly mode: number
}

/** `fs` as it was before anybody changed it. What is there at first is durable. */
export const durableFiles = (fs: typeof Fs, folder: string) => {
  const contents = new Map<number, Content>()
  const names = new Map<string, number>()

  const filesIn = (directory: string, recursive: boolean): ReadonlyArray<string> =>
    fs.existsSync(directory)
      ? fs.readdirSync(directory, { withFileTypes: true, recursive })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
      : []

  const keepFile = (path: string): void => {
    const { ino, mode } = fs.statSync(path)
    contents.set(ino, { bytes: fs.readFileSync(path), mode: mode & 0o7777 })
  }
  const keepNames = (directory: string): void => {
    for (const path of names.keys()) if (dirname(path) === directory) names.delete(path)
    for (const path of filesIn(directory, false)) names.set(path, fs.statSync(path).ino)
  }
  for (const path of filesIn(folder, true)) {
    keepFile(path)
    keepNames(dirname(path))
  }
  return {
    /** A file or a folder was synchronised. */
    keep: (path: string): void => {
      const stat = fs.statSync(path, { throwIfNoEntry: false })
      if (stat?.isDirectory() === true) keepNames(path)
      else if (stat?.isFile() === true) keepFile(path)
    },
    /** Leaves only what is durable. */
    lose: (): void => {
      for (const path of filesIn(folder, true)) fs.unlinkSync(path)
      const written = new Map<number, string>()
      for (const [path, ino] of names) {
        const same = written.get(ino)
        if (same !== undefined) {
          fs.linkSync(same, path)
          continue
        }
        written.set(ino, path)
        const { bytes, mode } = contents.get(ino) ?? { bytes: Buffer.alloc(0), mode: 0o600 }
        fs.writeFileSync(path, bytes, { mode })
      }
    }
  }
}
