// Makes a client homedir and brings one up to date. Each step may be done twice and is looked at anew by the next call, so that one
// that was killed at any moment is made whole by the next. What a program of the client put there itself stays.
import { makeFolder } from "@gripgate/proxy/folder"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { attempt, HomeError } from "./home-error.ts"
import { MARK, type Mark, readMark, writeMark } from "./mark.ts"
import { keepFromStarting } from "./no-autostart.ts"
import { deleteKeys, exportKeys, importKeys, keysIn, keysOf, type PublicKeys } from "./public-keys.ts"
import { isLeftover, removeLeftovers } from "./put-file.ts"
import { putRedirect } from "./redirect.ts"

/** Where the keys come from: the owner's homedir, or a file that somebody has read. */
export type KeySource =
  | { readonly kind: "owner"; readonly homedir: string }
  | { readonly kind: "given"; readonly certificates: Buffer }

export interface HomeOptions {
  /** The homedir; absolute. It is made where it is missing. */
  readonly dir: string
  readonly app: string
  /** The gate's socket for it; absolute, at most 107 bytes. */
  readonly socket: string
  /** `undefined`: the keys stay as they are. */
  readonly keys: KeySource | undefined
}

/** A homedir as it is now. */
export interface Home {
  readonly dir: string
  readonly app: string
  readonly socket: string
  /** Where the redirect file lies. */
  readonly redirect: string
  /** Fingerprints of the owner's keys in it, and which of them came and went just now. */
  readonly keys: ReadonlyArray<string>
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/** Makes the homedir, or makes it whole, with the keys as they are now at their source. */
export const fillHome = Effect.fnUntraced(function*(options: HomeOptions): Effect.fn.Return<Home, HomeError> {
  const { app, dir, keys, socket } = options
  const before = yield* openHome(dir, app)
  const homedir = keys === undefined ? before?.homedir ?? null : keys.kind === "owner" ? keys.homedir : null
  const base: Mark = { v: 1, app, socket, homedir, keys: before?.keys ?? [], complete: before?.complete ?? false }
  // first of all: from now on whoever finds the folder knows what it is
  yield* writeMark(dir, base)
  yield* keepFromStarting(dir)
  const { added, mark, removed } = yield* syncKeys(dir, base, keys)
  const redirect = yield* putRedirect(dir, socket)
  yield* writeMark(dir, { ...mark, complete: true })
  return { dir, app, socket, redirect, keys: mark.keys, added, removed }
})

/**
 * The homedir if it has been made once: the redirect file and `no-autostart` are put where they are missing (after a reboot, a new
 * version of GnuPG, a gate that moved), and keys stay as they are. `undefined` where there is none yet.
 */
export const mendHome = Effect.fnUntraced(function*(
  { app, dir, socket }: Omit<HomeOptions, "keys">
): Effect.fn.Return<Home | undefined, HomeError> {
  if (!fs.existsSync(dir)) return undefined
  const mark = yield* openHome(dir, app)
  if (mark === undefined || !mark.complete) return undefined
  yield* keepFromStarting(dir)
  const redirect = yield* putRedirect(dir, socket)
  if (mark.socket !== socket) yield* writeMark(dir, { ...mark, socket })
  return { dir, app, socket, redirect, keys: mark.keys, added: [], removed: [] }
})

/** Sees that the folder may be used, makes it where it is missing, and returns its mark. */
const openHome = Effect.fnUntraced(function*(dir: string, app: string): Effect.fn.Return<Mark | undefined, HomeError> {
  const there = yield* attempt(`the folder ${dir} cannot be used`, () => {
    if (!fs.existsSync(dir)) makeFolder(dir)
    return fs.statSync(dir)
  })
  if (!there.isDirectory()) return yield* new HomeError({ message: `${dir} is not a folder` })
  const uid = process.getuid?.()
  if (uid !== undefined && there.uid !== uid) {
    return yield* new HomeError({
      message: `${dir} belongs to somebody else (uid ${there.uid})`,
      hint: "a homedir is made by the user who uses it"
    })
  }
  const mark = yield* readMark(dir)
  const others = yield* attempt(`the folder ${dir} cannot be read`, () => {
    fs.chmodSync(dir, 0o700)
    removeLeftovers(dir)
    return fs.readdirSync(dir).filter((name) => name !== MARK && !isLeftover(name))
  })
  if (mark === undefined && others.length > 0) {
    return yield* new HomeError({
      message: `${dir} is not empty, and no client homedir of gripgate`,
      hint: "name a folder that is empty or not there with --dir DIR"
    })
  }
  if (mark === undefined || mark.app === app) return mark
  return yield* new HomeError({
    message: `${dir} is the client homedir of the app ${mark.app}, not of ${app}`,
    hint: "name another folder with --dir DIR"
  })
})

/** Which keys there are and which of them are the owner's, after they were brought in and taken out. */
const syncKeys = Effect.fnUntraced(function*(
  dir: string,
  mark: Mark,
  source: KeySource | undefined
): Effect.fn.Return<{ mark: Mark } & Pick<Home, "added" | "removed">, HomeError> {
  if (source === undefined) return { mark, added: [], removed: [] }
  const bundle: PublicKeys = source.kind === "owner"
    ? yield* exportKeys(source.homedir)
    : { certificates: source.certificates, ownertrust: undefined }
  const offered = new Set(yield* keysIn(dir, bundle.certificates))
  if (source.kind === "given" && offered.size === 0) {
    return yield* new HomeError({ message: "there are no public keys in what was given with --keys" })
  }
  const there = new Set(yield* keysOf(dir))
  const known = new Set(mark.keys)
  // what a program imported itself is its own, also where the owner has it too
  const theirs = [...offered].filter((key) => known.has(key) || !there.has(key))
  // before they come: whoever is killed in between leaves none of which nobody knows where it is from
  yield* writeMark(dir, { ...mark, keys: [...new Set([...mark.keys, ...theirs])] })
  yield* importKeys(dir, bundle)
  const removed = mark.keys.filter((key) => there.has(key) && !offered.has(key))
  yield* deleteKeys(dir, removed)
  return { mark: { ...mark, keys: theirs }, added: theirs.filter((key) => !there.has(key)), removed }
})
