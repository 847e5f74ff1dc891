// Paths without links in them, also of what is not there yet: mounts go by where things really lie.
import { codeOf } from "@gripgate/proxy/reason"
import { lstatSync, realpathSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"

/** The path as the kernel would find it; the last parts may be missing. Throws where a folder on the way may not be searched. */
export const realPath = (path: string): string => {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR" || dirname(absolute) === absolute) throw error
    return join(realPath(dirname(absolute)), basename(absolute))
  }
}

export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Whether there is something that is no folder. */
export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === false

/** The real path of a socket, the socket itself being no link; `undefined` where there is none, or nobody can look. */
export const socketAt = (path: string): string | undefined => {
  try {
    const real = join(realpathSync(dirname(path)), basename(path))
    return lstatSync(real).isSocket() ? real : undefined
  } catch {
    return undefined
  }
}
