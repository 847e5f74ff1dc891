// Whether those whom a socket's mode lets in can get to it: the folders on the way have to let them through.
import * as fs from "node:fs"
import { dirname } from "node:path"

/**
 * The first folder on the way to a socket that keeps others out although the socket's mode lets them in, from the top;
 * `undefined` where there is none. `group` is the socket's group.
 */
export const barrier = (path: string, mode: number, group: number | undefined): string | undefined => {
  if ((mode & 0o077) === 0) return undefined
  const folders: Array<string> = []
  for (let folder = dirname(path);; folder = dirname(folder)) {
    folders.push(folder)
    if (dirname(folder) === folder) break
  }
  return folders.toReversed().find((folder) => {
    const found = fs.statSync(folder, { throwIfNoEntry: false })
    if (found === undefined) return false
    const [searchByGroup, searchByOthers] = [0o010, 0o001]
    if ((found.mode & searchByOthers) !== 0) return false
    return !(group !== undefined && found.gid === group && (found.mode & searchByGroup) !== 0)
  })
}
