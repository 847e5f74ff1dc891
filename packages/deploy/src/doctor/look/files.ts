// Looks at files and folders without making, changing or waiting for anything. Nothing here throws.
import { codeOf } from "@gripgate/proxy/reason"
import * as fs from "node:fs"

export interface Seen {
  readonly kind: "file" | "folder" | "socket" | "link" | "other"
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly dev: number
  readonly ino: number
}

const kindOf = (stat: fs.Stats): Seen["kind"] => {
  if (stat.isFile()) return "file"
  if (stat.isDirectory()) return "folder"
  if (stat.isSocket()) return "socket"
  return stat.isSymbolicLink() ? "link" : "other"
}

const seen = (stat: fs.Stats | undefined): Seen | undefined =>
  stat === undefined
    ? undefined
    : { kind: kindOf(stat), mode: stat.mode & 0o7777, uid: stat.uid, dev: stat.dev, ino: stat.ino }

/** What is at a path, links followed; `undefined` for nothing, and for what this user may not look at. */
export const look = (path: string): Seen | undefined => {
  try {
    return seen(fs.statSync(path, { throwIfNoEntry: false }))
  } catch {
    return undefined
  }
}

/** Whether this user may not even look whether something is there. */
export const isHidden = (path: string): boolean => {
  try {
    fs.lstatSync(path)
    return false
  } catch (error) {
    return codeOf(error) === "EACCES" || codeOf(error) === "EPERM"
  }
}

/** Whether it is this user's: what lies in a homedir of somebody else's makes programs of GnuPG do what he wants. */
export const belongsTo = (path: string, uid: number | undefined): boolean =>
  uid === undefined || look(path)?.uid === uid

const may = (path: string, mode: number): boolean => {
  try {
    fs.accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

export const canRead = (path: string): boolean => may(path, fs.constants.R_OK)
export const canWrite = (path: string): boolean => may(path, fs.constants.W_OK)
export const canRun = (path: string): boolean => look(path)?.kind === "file" && may(path, fs.constants.X_OK)

/** The names in a folder; `undefined` where it is not there or may not be read. */
export const namesIn = (path: string): ReadonlyArray<string> | undefined => {
  try {
    return fs.readdirSync(path).toSorted()
  } catch {
    return undefined
  }
}

/** Bytes of a file that are read. */
const MOST = 256 * 1024

export type Text = { readonly text: string } | { readonly problem: "absent" | "unreadable" }

/** The beginning of a regular file. A FIFO is not waited for. */
export const readText = (path: string): Text => {
  try {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    try {
      if (!fs.fstatSync(fd).isFile()) return { problem: "unreadable" }
      const bytes = Buffer.alloc(MOST)
      return { text: bytes.toString("utf8", 0, fs.readSync(fd, bytes)) }
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    return { problem: codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR" ? "absent" : "unreadable" }
  }
}

/** The lines of a file of GnuPG's options that say something, without their blanks. */
export const optionsIn = (text: string): ReadonlyArray<string> =>
  text.replace(/^\ufeff/, "").split("\n").map((line) => line.trim().replace(/\s+/g, " ")).filter((line) =>
    line !== "" && !line.startsWith("#")
  )
