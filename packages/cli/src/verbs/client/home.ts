// `gripgate home`: a client homedir for an app, made or brought up to date. How it is made is in @gripgate/deploy.
import { fillHome, type Home, mendHome } from "@gripgate/deploy/home/home"
import type { HomeError } from "@gripgate/deploy/home/home-error"
import { type Mark, readMark } from "@gripgate/deploy/home/mark"
import { homesDir, ownerHomedir } from "@gripgate/deploy/home/place"
import { codeOf, reasonOf } from "@gripgate/proxy/reason"
import type * as CliError from "effect/cli/CliError"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readdirSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { exitCode } from "../../exit-code.ts"
import { Failure, failure, usageError } from "../../failure.ts"
import { print, printJson } from "../../output.ts"
import { quoted } from "../../usage.ts"
import { readKeyFile } from "./key-file.ts"
import {
  ANYONE,
  failureOf,
  isName,
  type Setting,
  settingOf,
  type Target,
  type TargetFlags,
  targetOf,
  tellNotOwned
} from "./target.ts"

export interface HomeOptions extends TargetFlags {
  readonly app: string | undefined
  readonly dir: string | undefined
  readonly refresh: boolean
  /** A file of public keys in place of the owner's homedir. */
  readonly keys: string | undefined
  readonly json: boolean
}

type Failed = Failure | CliError.ShowHelp

/** Where the homedirs of this user lie. */
export const standardHomes = (): string => homesDir({ env: process.env, home: homedir() })

/** Makes the homedir and prints its path; with --refresh and no APP, brings all of them up to date. */
export const home = Effect.fnUntraced(function*(options: HomeOptions): Effect.fn.Return<void, Failed> {
  if (options.app === undefined) return yield* refreshAll(options)
  if (options.keys !== undefined && options.homedir !== undefined) {
    return yield* usageError("home", "--keys and --homedir exclude each other")
  }
  const target = yield* targetFor(options, options.app)
  const dir = options.dir === undefined ? join(standardHomes(), target.app) : resolve(options.dir)
  yield* tellNotOwned(target)
  const made = yield* makeHome(target, dir, options)
  yield* options.json ? printJson(asJson(made)) : print(made.dir)
})

/** With a socket and keys by flag nothing has to be known of the policy, which another user cannot read. */
const targetFor = Effect.fnUntraced(function*(options: HomeOptions, name: string): Effect.fn.Return<Target, Failed> {
  if (options.keys !== undefined && options.socket !== undefined && options.policy === undefined) {
    if (!isName(name)) return yield* usageError("home", `${quoted(name)} cannot be the name of an app`)
    return { app: name, socket: resolve(options.socket), owns: true, ownFolder: false, homedir: undefined }
  }
  return yield* targetOf("home", yield* settingOf("home", options), name, options)
})

/** A homedir that is there and whole is only mended, unless its keys are to be renewed. */
export const makeHome = Effect.fnUntraced(function*(
  { app, homedir, socket }: Target,
  dir: string,
  { keys, refresh }: { readonly refresh: boolean; readonly keys: string | undefined }
): Effect.fn.Return<Home, Failure> {
  const { mark, mended } = yield* Effect.mapError(
    lookAt({ app, dir, socket }, refresh || keys !== undefined),
    failureOf
  )
  if (mended !== undefined) return mended
  if (keys !== undefined) {
    const certificates = yield* readKeyFile(keys)
    return yield* Effect.mapError(fillHome({ dir, app, socket, keys: { kind: "given", certificates } }), failureOf)
  }
  // keys that came from a file stay as they are, unless there is a file again
  if (mark?.complete === true && mark.homedir === null && homedir === undefined) {
    return yield* Effect.mapError(fillHome({ dir, app, socket, keys: undefined }), failureOf)
  }
  const owner = yield* Effect.mapError(ownerHomedir(homedir ?? mark?.homedir ?? undefined), failureOf)
  if (resolve(owner) === dir) {
    return yield* failure(exitCode.usage, `${dir} is the owner's own homedir`, "name another folder with --dir DIR")
  }
  return yield* Effect.mapError(
    fillHome({ dir, app, socket, keys: { kind: "owner", homedir: owner } }),
    failureOf
  )
})

const lookAt = Effect.fnUntraced(function*(
  where: { readonly dir: string; readonly app: string; readonly socket: string },
  anew: boolean
): Effect.fn.Return<{ readonly mark: Mark | undefined; readonly mended: Home | undefined }, HomeError> {
  const mended = anew ? undefined : yield* mendHome(where)
  return { mended, mark: yield* readMark(where.dir) }
})

const refreshAll = Effect.fnUntraced(function*(options: HomeOptions): Effect.fn.Return<void, Failed> {
  if (!options.refresh) {
    return yield* usageError("home", "APP is missing", "`gripgate home --refresh` renews all there are")
  }
  for (const [flag, given] of [["dir", options.dir], ["socket", options.socket], ["keys", options.keys]] as const) {
    if (given !== undefined) return yield* usageError("home", `--${flag} needs an APP`)
  }
  const setting = yield* settingOf("home", options)
  const folder = standardHomes()
  const made: Array<Home> = []
  const failed: Array<Failure> = []
  for (const name of yield* namesIn(folder)) {
    const mark = yield* Effect.result(readMark(join(folder, name)))
    if (Result.isFailure(mark)) failed.push(failureOf(mark.failure))
    else if (mark.success !== undefined) {
      const target = yield* targetAgain(setting, mark.success, options)
      const one = yield* Effect.result(makeHome(target, join(folder, name), options))
      if (Result.isSuccess(one)) made.push(one.success)
      else failed.push(one.failure)
    }
  }
  yield* options.json
    ? printJson({ v: 1, homes: made.map(asJson) })
    : Effect.forEach(made, ({ dir }) => print(dir), { discard: true })
  if (failed.length === 0) return
  return yield* new Failure({ code: exitCode.failed, complaints: failed.flatMap(({ complaints }) => complaints) })
})

/** The socket that the policy gives the app now; the one that was, where the policy has it no more. */
const targetAgain = Effect.fnUntraced(function*(
  setting: Setting,
  { app, homedir, socket }: Mark,
  options: HomeOptions
): Effect.fn.Return<Target, CliError.ShowHelp> {
  const gone: Target = { app, socket, owns: true, ownFolder: false, homedir: undefined }
  const known = app === ANYONE || setting.policy.apps.has(app)
  const target = known ? yield* targetOf("home", setting, app, options) : gone
  return { ...target, homedir: options.homedir ?? homedir ?? undefined }
})

const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.try({
    try: () => {
      try {
        return readdirSync(folder).toSorted()
      } catch (error) {
        if (codeOf(error) === "ENOENT") return []
        throw error
      }
    },
    catch: (error) => failure(exitCode.failed, `${folder} cannot be read: ${reasonOf(error)}`)
  })

const asJson = ({ added, app, dir, keys, redirect, removed, socket }: Home) => ({
  v: 1,
  app,
  homedir: dir,
  socket,
  redirect,
  keys,
  added,
  removed
})
