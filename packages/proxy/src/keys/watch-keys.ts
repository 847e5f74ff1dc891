// Notices that keys of a homedir change, by the files in which GnuPG has them. What else happens there, as the coming and
// going of sockets and lock files, is not told.
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type FSWatcher, statSync, watch } from "node:fs"
import { join } from "node:path"
import { codeOf } from "../reason.ts"

/** The folders, relative to the homedir, and which names in them are about keys. */
const folders: ReadonlyArray<readonly [string, RegExp]> = [
  ["", /^(?:pubring\.(?:kbx|gpg)|trustdb\.gpg|public-keys\.d|private-keys-v1\.d)$/],
  ["private-keys-v1.d", /\.key$/],
  ["public-keys.d", /^pubring\.db$/]
]

/**
 * Watches as long as the scope lives. `set` is called at the start and after each change: folders that have come since are
 * watched then, also in the place of one that was removed. Missing ones are fine; where one cannot be watched, `failed` is told.
 */
export const watchKeys = (
  homedir: string,
  happened: () => void,
  failed: (error: unknown, folder: string) => void
): Effect.Effect<{ readonly set: () => void }, never, Scope.Scope> => {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly inode: string }>()
  const drop = (folder: string) => {
    watchers.get(folder)?.watcher.close()
    watchers.delete(folder)
  }
  const setOne = (folder: string, names: RegExp) => {
    try {
      // a folder that was made anew has the same name, and its old watch never says anything again
      const { dev, ino } = statSync(folder)
      const inode = `${dev} ${ino}`
      if (watchers.get(folder)?.inode === inode) return
      drop(folder)
      const tell = (_event: string, name: string | null) => {
        if (name === null || names.test(name)) happened()
      }
      const watcher = watch(folder, { persistent: false }, tell).on("error", (error) => {
        drop(folder)
        failed(error, folder)
      })
      watchers.set(folder, { watcher, inode })
    } catch (error) {
      drop(folder)
      if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR") failed(error, folder)
    }
  }
  return Effect.acquireRelease(
    Effect.sync(() => ({ set: () => folders.forEach(([name, names]) => setOne(join(homedir, name), names)) })),
    () => Effect.sync(() => [...watchers.keys()].forEach(drop))
  )
}
