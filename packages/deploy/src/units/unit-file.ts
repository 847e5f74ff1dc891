// What a file of gripgate's in systemd's folders looks like: it says whose it is in its first line, and no other file is ever
// overwritten or removed. Pure.
import type { UnitText } from "./quote.ts"

/** A file that is wanted, by its absolute path. */
export interface UnitFile {
  readonly path: string
  readonly text: string
}

/** The first line of every file that gripgate writes here. */
export const MARK = "# written by gripgate"

/** Units lie open: systemd shows what is in them to everybody in any case, and warns of files that it thinks are hidden. */
export const FILE_MODE = 0o644

export const isOurs = (text: string): boolean => text === MARK || text.startsWith(`${MARK}\n`)

/** A section: its name and its lines. */
export type Section = readonly [name: string, lines: ReadonlyArray<UnitText>]

const NOTE =
  "# Changes belong into a drop-in (systemctl edit): the next install writes this file anew, and uninstall removes it."

export const unitText = (...sections: ReadonlyArray<Section>): string =>
  [MARK, NOTE, ...sections.flatMap(([name, lines]) => ["", `[${name}]`, ...lines]), ""].join("\n")

/** A file without sections (sysusers.d(5), tmpfiles.d(5)). */
export const linesText = (...lines: ReadonlyArray<string>): string => [MARK, ...lines, ""].join("\n")
