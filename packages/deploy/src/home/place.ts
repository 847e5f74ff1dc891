// Where client homedirs lie that nobody gave another place, and whose homedir their keys come from.
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { isAbsolute, join, resolve } from "node:path"
import { gnupgPlaces } from "../gnupg-places.ts"
import { attempt, HomeError, notByGpgconf } from "./home-error.ts"
import { readMark } from "./mark.ts"

/** What decides where they lie. */
export interface Whose {
  readonly env: { readonly [name: string]: string | undefined }
  /** The home directory where the environment names none. */
  readonly home: string
}

/** `$XDG_DATA_HOME/gripgate`; a variable that holds no absolute path counts as unset (XDG Base Directory Specification). */
export const dataDir = ({ env, home }: Whose): string => {
  const absolute = (name: string): string | undefined => {
    const value = env[name]
    return value !== undefined && isAbsolute(value) ? value : undefined
  }
  return join(absolute("XDG_DATA_HOME") ?? join(absolute("HOME") ?? home, ".local", "share"), "gripgate")
}

/** The folder of all client homedirs at their standard place, each named after its app. */
export const homesDir = (whose: Whose): string => join(dataDir(whose), "homes")

/**
 * The owner's homedir: the one that is named, or GnuPG's own. Where that is a client homedir, as in a shell whose GNUPGHOME
 * points to one, it is the homedir that the client's keys came from.
 */
export const ownerHomedir = Effect.fnUntraced(
  function*(named: string | undefined): Effect.fn.Return<string, HomeError> {
    const homedir = named === undefined
      ? (yield* Effect.mapError(gnupgPlaces(undefined), notByGpgconf))
        .homedir
      : resolve(named)
    const isFolder = yield* attempt(`the homedir ${homedir} cannot be used`, () => statSync(homedir).isDirectory())
    if (!isFolder) return yield* new HomeError({ message: `the homedir ${homedir} cannot be used: not a directory` })
    const mark = yield* readMark(homedir)
    if (mark === undefined) return homedir
    if (mark.homedir !== null) return mark.homedir
    return yield* new HomeError({
      message: `${homedir} is the client homedir of ${mark.app}, and its keys came from a file`,
      hint: "name the owner's homedir with --homedir DIR, or give the keys with --keys FILE"
    })
  }
)
