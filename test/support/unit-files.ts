// What a unit file says, read back by the rules of systemd.syntax(7) that gripgate's and GnuPG's own units need: settings by their
// names, in order, and command lines as words.
import { readFileSync } from "node:fs"

export type Settings = ReadonlyMap<string, ReadonlyArray<string>>

/** The settings of a unit and its drop-ins, of all sections. An empty value takes away what came before it. */
export const readUnit = (...files: ReadonlyArray<string>): Settings =>
  unitOf(files.map((file) => readFileSync(file, "utf8")).join("\n"))

export const unitOf = (text: string): Settings => {
  const settings = new Map<string, Array<string>>()
  for (const line of text.split("\n")) {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    if (name === undefined) continue
    if (value === "") settings.set(name, [])
    else settings.set(name, [...settings.get(name) ?? [], value!])
  }
  return settings
}

/** The words of a command line or a list. `t` is what `%t` stands for. */
export const wordsOf = (value: string, t: string): ReadonlyArray<string> =>
  [...value.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    (quoted?.replace(/\\(.)/g, "$1") ?? plain!).replaceAll("%t", t).replaceAll("%%", "%").replaceAll("$$", "$")
  )

/** The only value of a setting. */
export const valueOf = (settings: Settings, name: string): string => {
  const values = settings.get(name) ?? []
  if (values.length !== 1) throw new Error(`expected one ${name}=, got ${JSON.stringify(values)}`)
  return values[0]!
}
