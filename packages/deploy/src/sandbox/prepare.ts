// From what is wished for to what can be mounted: looks at what is there, and refuses what would open a way out.
import { reasonOf } from "@gripgate/proxy/reason"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { lstatSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { HOMEDIR_INSIDE, type Sandbox } from "./bwrap-args.ts"
import { type GnupgFiles, gnupgFiles } from "./gnupg-files.ts"
import {
  folderToHide,
  isWithin,
  outermost,
  type Protected,
  whyNotShown,
  whyNotWorkedIn,
  whyNotWritable
} from "./places.ts"
import { isFile, isFolder, isReachable, realPath, socketAt } from "./real-path.ts"
import { parseUnixSockets, type UnixSockets } from "./unix-sockets.ts"

/** What somebody wants. */
export interface Wish {
  /** The app's own socket. */
  readonly socket: string
  /** Whether its folder is there for it alone, so that all of it can be shown. */
  readonly ownFolder: boolean
  /** The owner's homedir, and where gpg looks without a flag. */
  readonly homedir: string
  readonly gnupgHome: string
  readonly home: string
  readonly workIn: string
  readonly writable: ReadonlyArray<string>
  /** Folders that somebody wants hidden. */
  readonly hide: ReadonlyArray<string>
  /** Folders and files of the gate and of GnuPG, there or not. */
  readonly hidden: Protected
  /** Other sockets of the gate, and those of the agent. */
  readonly sockets: ReadonlyArray<string>
}

/** What can be had, but for the descriptors and the network. */
export interface Prepared {
  readonly sandbox: Omit<Sandbox, "gnupg" | "filterFd" | "statusFd" | "shareNet"> & { readonly gnupgHome: string }
  readonly files: GnupgFiles
  readonly abstract: UnixSockets["abstract"]
  /** What whoever started it should know. */
  readonly notes: ReadonlyArray<string>
  /** What was looked at, by path: the numbers by which the same file is known again. */
  readonly seen: ReadonlyMap<string, string>
}

/** What is to be covered and is gone by now, or another file: whoever mounts over it at that moment fails. */
export const changedSince = ({ seen }: Prepared): string | undefined =>
  [...seen].find(([path, number]) => numberOf(path) !== number)?.[0]

const numberOf = (path: string): string => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found === undefined ? "none" : `${found.dev}:${found.ino}:${found.ctimeMs}`
}

/** A sandbox that would not hold, or cannot be made. */
export class SandboxError extends Data.TaggedError("SandboxError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

/** Everybody's folders. */
const EMPTIED = ["/tmp", "/var/tmp", "/run", "/var/run"]

/** Looks at the machine and judges the wish. */
export const prepare = Effect.fnUntraced(function*(wish: Wish): Effect.fn.Return<Prepared, SandboxError> {
  const files = yield* Effect.mapError(
    gnupgFiles(wish.homedir),
    ({ hint, message }) => new SandboxError({ message, hint })
  )
  return yield* Effect.flatMap(
    Effect.try({
      try: () => look(wish),
      catch: (error) =>
        error instanceof SandboxError
          ? error
          : new SandboxError({ message: `the sandbox cannot be prepared: ${reasonOf(error)}` })
    }),
    (seen) => Effect.succeed({ ...seen, files })
  )
})

const look = (wish: Wish): Omit<Prepared, "files"> => {
  const notes: Array<string> = []
  const home = realPath(wish.home)
  const emptied = outermost(EMPTIED.filter(isFolder).map(realPath))
  const gnupgHome = isFolder(wish.gnupgHome) ? realPath(wish.gnupgHome) : HOMEDIR_INSIDE
  const hide = wish.hide.map((folder) => hideable(folder, [home, gnupgHome]))
  const hidden: Protected = {
    folders: [...new Set([...wish.hidden.folders, wish.homedir, wish.gnupgHome, ...hide].map(realPath))],
    files: [...new Set(wish.hidden.files.map(realPath))]
  }
  const writable = wish.writable.map((folder) => judged(folder, home, hidden, emptied))
  const workIn = realPath(wish.workIn)
  const unseen = hidden.folders.find((folder) => isWithin(workIn, folder))
  if (unseen !== undefined) {
    throw new SandboxError({
      message: `the working directory ${workIn} lies in ${unseen}, which the command must not see`,
      hint: "call it from another folder"
    })
  }
  const granted = writable.some((folder) => isWithin(workIn, folder))
  const why = granted ? undefined : whyNotWorkedIn(workIn, home, hidden) ?? whyNotShown(workIn, emptied)
  if (why !== undefined) notes.push(`the command does not have the working directory to write to: ${workIn} ${why}`)
  const shown = outermost([...why === undefined ? [workIn] : [], ...writable])
  // what is not emptied is there to read anyway; showing it again would show what lies in it, too
  const readable = why !== undefined && whyNotShown(workIn, emptied) === undefined
    && emptied.some((folder) => isWithin(workIn, folder))

  const visible = [home, workIn, gnupgHome, ...writable]
  const folders = [...hidden.folders]
  for (const socket of wish.sockets.map(realPath)) {
    if (folders.some((folder) => isWithin(socket, folder))) continue
    const within = (each: string) => isWithin(socket, each)
    if (emptied.some(within) && !shown.some(within) && !(readable && within(workIn))) continue
    const folder = folderToHide(socket, visible)
    if (folder !== undefined) folders.push(folder)
    else {
      notes.push(
        `${socket} is no socket for the command: it is covered now, but one that is made there when its server starts anew is not. `
          + "Give it a folder of its own."
      )
    }
  }
  const hiddenFolders = outermost(folders.filter((path) => isFolder(path) && isReachable(path)))
  const listed = parseUnixSockets(readFileSync("/proc/net/unix", "utf8"))
  const own = socketAt(wish.socket)
  const sockets = [...listed.paths, ...wish.sockets].flatMap((path) => socketAt(path) ?? []).filter((path) =>
    path !== own
  )
  const hiddenFiles = [...new Set([...hidden.files.filter(isFile), ...sockets])]
    .filter((path) => isReachable(path) && !hiddenFolders.some((folder) => isWithin(path, folder)))
  return {
    sandbox: {
      emptied,
      home,
      workIn,
      writable: shown,
      readable: readable ? [workIn] : [],
      hiddenFolders,
      hiddenFiles,
      gnupgHome,
      socket: wish.ownFolder ? { folder: realPath(dirname(wish.socket)) } : { path: realPath(wish.socket) }
    },
    abstract: listed.abstract,
    notes,
    seen: new Map([...hiddenFiles, ...hiddenFolders].map((path) => [path, numberOf(path)]))
  }
}

const judged = (folder: string, home: string, hidden: Protected, emptied: ReadonlyArray<string>): string => {
  if (!isFolder(folder)) throw new SandboxError({ message: `there is no folder ${folder} to write to` })
  const real = realPath(folder)
  const why = whyNotWritable(real, home, hidden) ?? whyNotShown(real, emptied)
  if (why !== undefined) throw new SandboxError({ message: `the command cannot have ${real} to write to: it ${why}` })
  return real
}

/** A folder around what has to be there cannot be covered as a whole. */
const hideable = (folder: string, needed: ReadonlyArray<string>): string => {
  if (!isFolder(folder)) throw new SandboxError({ message: `there is no folder ${folder} to hide` })
  const real = realPath(folder)
  const inside = needed.find((path) => isWithin(path, real))
  if (inside === undefined) return real
  throw new SandboxError({ message: `the folder ${real} cannot be hidden: the command needs ${inside}` })
}
