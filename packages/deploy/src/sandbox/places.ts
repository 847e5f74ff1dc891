// Which folders a command may write to, and which it must not even see. Pure: paths in, paths out; all of them absolute, without
// links and without a slash at their end.
import { dirname } from "node:path"

/** Whether a path is this folder, or lies in it. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`)

/** What the command must neither see nor change. */
export interface Protected {
  /** Folders, whether they are there or not: a command that may write above one could make it. */
  readonly folders: ReadonlyArray<string>
  /** Single files. */
  readonly files: ReadonlyArray<string>
}

/** Programs and settings of the whole machine, which root must not give away by the folder that he happens to be in. */
const ofSystem = ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr"]

/** Why the command cannot have a folder to write to, in words that follow its name; `undefined` where it can. */
export const whyNotWritable = (folder: string, home: string, { files, folders }: Protected): string | undefined => {
  if (isWithin(home, folder)) {
    return folder === home
      ? "is your home directory, and what your shell and your session start by themselves lies there"
      : `contains your home directory ${home}`
  }
  const within = folders.find((each) => isWithin(folder, each))
  if (within !== undefined) return `lies in ${within}, which the command must not see`
  const inside = [...folders, ...files].find((each) => isWithin(each, folder))
  if (inside !== undefined) return `contains ${inside}, which the command must not see`
  const system = ofSystem.find((each) => isWithin(folder, each))
  return system === undefined ? undefined : `belongs to the system (${system})`
}

/** The same for the working directory, which nobody has named: not what a session reads below the home directory, either. */
export const whyNotWorkedIn = (folder: string, home: string, hidden: Protected): string | undefined => {
  const why = whyNotWritable(folder, home, hidden)
  if (why !== undefined || !isWithin(folder, home)) return why
  const dotted = folder.slice(home.length + 1).split("/")[0] ?? ""
  return dotted.startsWith(".") ? `lies in ~/${dotted}, where settings and programs of yours may lie` : undefined
}

/** Why a folder cannot be shown at all: with it would come everybody's temporary files and sockets, which are emptied. */
export const whyNotShown = (folder: string, emptied: ReadonlyArray<string>): string | undefined => {
  const inside = emptied.find((each) => isWithin(each, folder))
  if (inside === undefined) return undefined
  return inside === folder ? "is an empty one inside" : `contains ${inside}, which is an empty one inside`
}

/**
 * The folder of a socket, if it can be hidden as a whole: a server that starts anew makes a new socket there, which no cover over
 * the old one hides. `undefined` where the folder has to be seen: a top-level one, and one around what is worked in.
 */
export const folderToHide = (socket: string, seen: ReadonlyArray<string>): string | undefined => {
  const folder = dirname(socket)
  if (dirname(folder) === "/" || folder === "/" || seen.some((path) => isWithin(path, folder))) return undefined
  return ofSystem.some((each) => isWithin(folder, each)) ? undefined : folder
}

/** Paths that lie in no other of them, each once. */
export const outermost = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const all = [...new Set(paths)]
  return all.filter((path) => !all.some((other) => other !== path && isWithin(path, other)))
}
