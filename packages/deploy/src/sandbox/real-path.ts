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

/**
 * Whether a command without capabilities gets to a path that this process has looked at. Root's number alone does not open what is
 * another user's own, neither to bubblewrap in its user namespace, which would fail to mount there, nor to the command.
 */
export const isReachable = (path: string): boolean => {
  if (process.getuid?.() !== 0) return true
  const groups = new Set([process.getegid?.(), ...process.getgroups?.() ?? []])
  for (let folder = dirname(path);; folder = dirname(folder)) {
    const { gid, mode, uid } = statSync(folder)
    const search = uid === 0 ? 0o100 : groups.has(gid) ? 0o010 : 0o001
    if ((mode & search) === 0) return false
    if (dirname(folder) === folder) return true
  }
}
