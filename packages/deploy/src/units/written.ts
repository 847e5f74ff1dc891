// What of gripgate's lies in systemd's folders, by the mark in each file and not by what this version would write: so what an older one
// left, or one that was killed half-way, is found as well. It only looks.
import { codeOf } from "@gripgate/proxy/reason"
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { isOurs } from "./unit-file.ts"

/** Folders in which files of gripgate's can lie. */
export interface UnitFolders {
  /** Of units, drop-ins and the links that enable units. */
  readonly units: string
  /** Those of sysusers.d and tmpfiles.d. */
  readonly others: ReadonlyArray<string>
}

/** The end of the name under which a file is written, before it takes its place. */
export const UNFINISHED = ".gripgate-new"

export const unfinishedName = (path: string): string => join(dirname(path), `.${basename(path)}${UNFINISHED}`)

const unit = /^gripgate(?:-[a-z0-9_-]+)?\.(?:service|socket)$/
const dropInFolder = /^gpg-agent(?:-[a-z]+)?\.socket\.d$/

const namesIn = (folder: string): ReadonlyArray<string> => {
  try {
    return readdirSync(folder).toSorted()
  } catch (error) {
    if (codeOf(error) === "ENOENT") return []
    throw error
  }
}

/** What is at a path: nothing, a file of ours, or something else, which is nobody's to touch. */
export type Found = { readonly kind: "none" } | { readonly kind: "other" } | {
  readonly kind: "ours"
  readonly text: string
}

export const look = (path: string): Found => {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return { kind: "none" }
  if (!stat.isFile()) return { kind: "other" }
  const text = readFileSync(path, "utf8")
  return isOurs(text) ? { kind: "ours", text } : { kind: "other" }
}

/** Files with the mark, and what was being written when somebody was killed. Throws what the system says. */
export const writtenFiles = ({ others, units }: UnitFolders): ReadonlyArray<string> => {
  const dropIns = namesIn(units).filter((name) => dropInFolder.test(name)).map((name) => join(units, name))
  const candidates = [
    ...namesIn(units).filter((name) => unit.test(name)).map((name) => join(units, name)),
    ...[...dropIns, ...others].map((folder) => join(folder, "gripgate.conf"))
  ]
  const unfinished = [units, ...dropIns, ...others].flatMap((folder) =>
    namesIn(folder).filter((name) => name.endsWith(UNFINISHED)).map((name) => join(folder, name))
  )
  return [...candidates.filter((path) => look(path).kind === "ours"), ...unfinished]
}

/** The links by which systemd has units of ours enabled, as `systemctl enable` made them. */
export const enablingLinks = ({ units }: UnitFolders): ReadonlyArray<string> =>
  namesIn(units).filter((name) => name.endsWith(".wants")).flatMap((folder) =>
    namesIn(join(units, folder)).filter((name) => unit.test(name)).map((name) => join(units, folder, name)).filter(
      (path) => lstatSync(path).isSymbolicLink() && basename(readlinkSync(path)) === basename(path)
    )
  )
