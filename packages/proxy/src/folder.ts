// Folders that only the gate's own user may look into, made where they are missing. Node's own recursive mkdir never
// returns below /proc (seen with Node 26), so the way up is walked here.
import * as fs from "node:fs"
import { dirname } from "node:path"
import { codeOf } from "./reason.ts"

/**
 * Why a socket in a folder would not be the gate's own for long: somebody else owns the folder, or may put a socket of his
 * in the place of ours. Clients would hand their passphrases to him. `undefined` where all is well.
 */
export const folderProblem = (path: string, uid: number | undefined): string | undefined => {
  if (uid === undefined) return undefined
  const { mode, uid: owner } = fs.statSync(path)
  if (owner !== uid && owner !== 0) return `the directory ${path} belongs to somebody else (uid ${owner})`
  const [writable, sticky] = [0o002, 0o1000]
  return (mode & writable) !== 0 && (mode & sticky) === 0 ? `everybody may write to the directory ${path}` : undefined
}

/** Makes a folder and what is missing above it. Throws what the system says where it cannot. */
export const makeFolder = (path: string, mode = 0o700): void => {
  const missing: Array<string> = fs.statSync(path, { throwIfNoEntry: false })?.isFile() === true ? [path] : []
  for (let folder = path; !fs.existsSync(folder) && dirname(folder) !== folder; folder = dirname(folder)) {
    missing.push(folder)
  }
  for (const folder of missing.toReversed()) {
    try {
      fs.mkdirSync(folder, { mode })
    } catch (error) {
      // a second gate that starts at the same moment made it first; a file in its place is an error
      if (codeOf(error) !== "EEXIST" || !fs.statSync(folder).isDirectory()) throw error
    }
  }
}
