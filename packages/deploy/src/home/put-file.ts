// Writes a file so that whoever looks sees the old one or the new one, whole, whenever this is killed.
import * as fs from "node:fs"
import { dirname, join } from "node:path"

const BEGIN = ".gripgate."
const END = ".tmp"

/** Whether a file is what a writer leaves behind that was killed half-way. */
export const isLeftover = (name: string): boolean => name.startsWith(BEGIN) && name.endsWith(END)

/** Throws what the system says. The file has this mode whatever the umask is. */
export const putFile = (path: string, text: string, mode = 0o600): void => {
  const temporary = join(dirname(path), `${BEGIN}${process.pid}${END}`)
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants
  fs.rmSync(temporary, { force: true })
  const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
  try {
    fs.fchmodSync(fd, mode)
    fs.writeFileSync(fd, text)
  } finally {
    fs.closeSync(fd)
  }
  fs.renameSync(temporary, path)
}

/** Takes away what killed writers left. */
export const removeLeftovers = (folder: string): void => {
  for (const name of fs.readdirSync(folder).filter(isLeftover)) fs.rmSync(join(folder, name), { force: true })
}
