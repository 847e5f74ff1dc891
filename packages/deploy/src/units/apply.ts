// Does to files what a plan says. Each file is there whole or not at all, and whatever was done when somebody is killed, the next install or
// uninstall finds by the mark.
import { makeFolder } from "@gripgate/proxy/folder"
import * as fs from "node:fs"
import { dirname } from "node:path"
import type { FileChange } from "./plan.ts"
import { FILE_MODE } from "./unit-file.ts"
import { unfinishedName } from "./written.ts"

/** Folders of units lie open, as the units do. */
const FOLDER_MODE = 0o755

/** Throws what the system says; what was done before that stays. */
export const applyFiles = (files: ReadonlyArray<FileChange>): void => {
  for (const file of files) {
    if (file.change === "remove") remove(file.path)
    else if (file.change !== "keep") put(file.path, file.text)
  }
}

const put = (path: string, text: string): void => {
  makeFolder(dirname(path), FOLDER_MODE)
  const unfinished = unfinishedName(path)
  fs.rmSync(unfinished, { force: true })
  const fd = fs.openSync(unfinished, "wx", FILE_MODE)
  try {
    fs.fchmodSync(fd, FILE_MODE)
    fs.writeFileSync(fd, text)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  fs.renameSync(unfinished, path)
}

/** The folder of a drop-in goes with the last file in it. */
const remove = (path: string): void => {
  fs.rmSync(path, { force: true })
  const folder = dirname(path)
  if (/\.(?:d|wants)$/.test(folder) && !/(?:sysusers|tmpfiles)\.d$/.test(folder) && fs.existsSync(folder)) {
    if (fs.readdirSync(folder).length === 0) fs.rmdirSync(folder)
  }
}
