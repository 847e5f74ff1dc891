// `no-autostart` in the configuration of a client homedir: a gpg that finds nobody at the gate's socket would else start an agent
// of its own there. Lines that are there already stay as they are.
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { attempt, type HomeError } from "./home-error.ts"
import { putFile } from "./put-file.ts"

const LINE = "no-autostart"

/** The text of a configuration file with the line in it; the text itself where it has it. */
export const withNoAutostart = (text: string): string => {
  if (text.split("\n").some((line) => line.trim() === LINE)) return text
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${LINE}\n`
}

/** Where versions of GnuPG look for it: the first two up to 2.2, the last since 2.3. */
export const configFiles = ["gpg.conf", "gpgsm.conf", "common.conf"] as const

/**
 * What gpg reads in place of gpg.conf where it is there (GnuPG common/configfile.c): gpg 2 these, and gpg 1.4 the last, which it
 * needs, since it takes `no-autostart` for an error.
 */
const ofVersion2 = /^gpg\.conf-2(?:\.\d+)*$/
export const OF_VERSION_1 = "gpg.conf-1"

/** Sees to it that no program of the homedir starts an agent. A file that is a link elsewhere stays one. */
export const keepFromStarting = (folder: string): Effect.Effect<void, HomeError> =>
  attempt(`the configuration in ${folder} cannot be written`, () => {
    for (const name of [...configFiles, ...fs.readdirSync(folder).filter((name) => ofVersion2.test(name))]) {
      const file = join(folder, name)
      const there = fs.existsSync(file)
      const before = there ? fs.readFileSync(file, "utf8") : ""
      const after = withNoAutostart(before)
      if (after !== before) {
        putFile(there ? fs.realpathSync(file) : file, after, there ? fs.statSync(file).mode & 0o777 : 0o600)
      }
    }
    const first = join(folder, OF_VERSION_1)
    if (!fs.existsSync(first)) putFile(first, "use-agent\n")
  })
