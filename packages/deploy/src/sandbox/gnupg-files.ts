// What GnuPG finds in its homedir inside a sandbox: copies of the owner's public files, and `no-autostart`. Nothing that is written
// there lives on, and no secret key is there.
import { codeOf } from "@gripgate/proxy/reason"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { attempt, HomeError } from "../home/home-error.ts"
import { OF_VERSION_1, withNoAutostart } from "../home/no-autostart.ts"
import { exportKeys, importKeys } from "../home/public-keys.ts"

/** Names and bytes. */
export type GnupgFiles = ReadonlyMap<string, Buffer>

/** Public keys in every form that gpg has had, and whom the owner trusts. */
const keyFiles = ["pubring.kbx", "pubring.gpg", "trustdb.gpg"]

/** Settings of gpg 2, for which there may be files for single versions (GnuPG common/configfile.c). */
const ofGpg2 = /^gpg\.conf(?:-2(?:\.\d+)*)?$/

/** The files for an owner's homedir. */
export const gnupgFiles = Effect.fnUntraced(function*(homedir: string): Effect.fn.Return<GnupgFiles, HomeError> {
  const files = new Map<string, Buffer>()
  const from = (yield* usesKeyboxd(homedir)) ? yield* exported(homedir) : yield* read(homedir, keyFiles)
  for (const [name, bytes] of from) files.set(name, bytes)
  const names = yield* attempt(`the homedir ${homedir} cannot be read`, () => fs.readdirSync(homedir))
  const settings = yield* read(homedir, [...names.filter((name) => ofGpg2.test(name)), "gpgsm.conf", OF_VERSION_1])
  const text = (name: string) => (settings.get(name) ?? Buffer.alloc(0)).toString("utf8")
  for (const name of new Set(["gpg.conf", "gpgsm.conf", ...settings.keys()])) {
    files.set(name, Buffer.from(withNoAutostart(text(name))))
  }
  // gpg 1.4 takes `no-autostart` for an error, so that it has a file of its own
  const first = settings.has(OF_VERSION_1) ? text(OF_VERSION_1) : text("gpg.conf")
  files.set(OF_VERSION_1, Buffer.from(`${first}${first === "" || first.endsWith("\n") ? "" : "\n"}use-agent\n`))
  // nothing of the owner's: `use-keyboxd` would have gpg look for a daemon
  files.set("common.conf", Buffer.from(withNoAutostart("")))
  return files
})

const read = (
  homedir: string,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, Buffer>, HomeError> =>
  attempt(`the public files of ${homedir} cannot be read`, () => {
    const files = new Map<string, Buffer>()
    for (const name of names) {
      try {
        files.set(name, fs.readFileSync(join(homedir, name)))
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error
      }
    }
    return files
  })

/** With keyboxd the keys lie in a database which only that daemon reads. */
const usesKeyboxd = (homedir: string): Effect.Effect<boolean, HomeError> =>
  Effect.map(
    read(homedir, ["common.conf"]),
    (files) => /^\s*use-keyboxd\s*$/m.test(files.get("common.conf")?.toString("utf8") ?? "")
  )

/** The keys by way of an export, as the files that gpg makes of them without keyboxd. */
const exported = (homedir: string): Effect.Effect<ReadonlyMap<string, Buffer>, HomeError> =>
  Effect.acquireUseRelease(
    attempt("no temporary folder can be made", () => fs.mkdtempSync(join(tmpdir(), "gripgate-"))),
    Effect.fnUntraced(function*(folder: string): Effect.fn.Return<ReadonlyMap<string, Buffer>, HomeError> {
      yield* importKeys(folder, yield* exportKeys(homedir))
      return yield* read(folder, keyFiles)
    }),
    (folder) =>
      Effect.ignore(attempt("the temporary folder stays", () => fs.rmSync(folder, { recursive: true, force: true })))
  )
