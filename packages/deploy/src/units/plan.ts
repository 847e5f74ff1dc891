// What an install or an uninstall would do, before anything is done: which files, which commands, and what there is to know. Building it
// only looks at what is there.
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { basename, dirname } from "node:path"
import type { UnitFile } from "./unit-file.ts"
import { gnupgSockets } from "./user-units.ts"
import { enablingLinks, look, type UnitFolders, writtenFiles } from "./written.ts"

export type FileChange =
  | { readonly change: "make" | "change" | "keep"; readonly path: string; readonly text: string }
  | { readonly change: "remove"; readonly path: string }

export interface Plan {
  readonly files: ReadonlyArray<FileChange>
  /** Commands before any file is touched, and after: words, without a shell. */
  readonly before: ReadonlyArray<ReadonlyArray<string>>
  readonly after: ReadonlyArray<ReadonlyArray<string>>
  /** What somebody should know who decides. */
  readonly notes: ReadonlyArray<string>
}

/** A file that gripgate has not written lies where one is to be. */
export class NotOurs extends Data.TaggedError("NotOurs")<{ readonly path: string }> {}

export interface Scope {
  /** `user` or `system`: whose systemd. */
  readonly whose: "user" | "system"
  readonly folders: UnitFolders
}

const ctl = (whose: Scope["whose"], ...args: ReadonlyArray<string>): ReadonlyArray<string> => [
  "systemctl",
  ...whose === "user" ? ["--user"] : [],
  ...args
]

const unitsOf = (paths: ReadonlyArray<string>): ReadonlyArray<string> =>
  paths.map((path) => basename(path)).filter((name) => /^gripgate.*\.(?:service|socket)$/.test(name))

/** Units without `[Install]` are started by others and cannot be enabled. */
const enabled = (files: ReadonlyArray<UnitFile>): ReadonlyArray<string> =>
  unitsOf(files.filter(({ text }) => text.includes("\n[Install]\n")).map(({ path }) => path))

const isDropIn = ({ path }: { readonly path: string }): boolean => dirname(path).endsWith(".socket.d")

export interface InstallWish extends Scope {
  readonly files: ReadonlyArray<UnitFile>
  /** Whether the gate is to run at once; where it could not, its units are only enabled. */
  readonly start: boolean
  readonly notes: ReadonlyArray<string>
}

/** Throws what the system says where it cannot look. */
export const planInstall = ({ files, folders, notes, start, whose }: InstallWish): Result.Result<Plan, NotOurs> => {
  const changes: Array<FileChange> = []
  for (const { path, text } of files) {
    const found = look(path)
    if (found.kind === "other") return Result.fail(new NotOurs({ path }))
    changes.push({ path, text, change: found.kind === "none" ? "make" : found.text === text ? "keep" : "change" })
  }
  const wanted = new Set(files.map(({ path }) => path))
  const gone = writtenFiles(folders).filter((path) => !wanted.has(path))
  const removed = unitsOf(gone)
  const links = enablingLinks(folders).filter((path) => removed.includes(basename(path)))
  for (const path of [...gone, ...links]) changes.push({ change: "remove", path })
  const touched = changes.filter(({ change }) => change !== "keep")
  const moves = touched.some(isDropIn)
  const units = enabled(files)
  const ran = unitsOf(changes.flatMap(({ change, path }) => change === "change" || change === "keep" ? [path] : []))
  const after = [
    ...files.filter(({ path }) => basename(dirname(path)) === "sysusers.d").map((
      { path }
    ) => ["systemd-sysusers", path]),
    ...files.filter(({ path }) => basename(dirname(path)) === "tmpfiles.d").map(({ path }) => [
      "systemd-tmpfiles",
      "--create",
      path
    ]),
    ctl(whose, "daemon-reload"),
    ...moves ? [ctl(whose, "stop", "gpg-agent.service", ...gnupgSockets)] : [],
    // a socket unit is started anew only when its service does not run
    ...touched.length > 0 && ran.length > 0 ? [ctl(whose, "stop", ...ran)] : [],
    ...moves ? [ctl(whose, "start", ...gnupgSockets)] : [],
    ctl(whose, "enable", ...start ? ["--now"] : [], ...units)
  ]
  const before = removed.length === 0 ? [] : [ctl(whose, "stop", ...removed)]
  return Result.succeed({ files: changes, before, after, notes })
}

/**
 * Exactly what an install made, of whatever version, and the links that enabled it: `systemctl disable` could not remove these where no
 * systemd answers. Throws what the system says where it cannot look.
 */
export const planUninstall = ({ folders, whose }: Scope): Plan => {
  const files = writtenFiles(folders)
  const units = unitsOf(files)
  const moved = files.some((path) => isDropIn({ path }))
  return {
    files: [...files, ...enablingLinks(folders)].map((path) => ({ change: "remove", path })),
    before: units.length === 0 ? [] : [ctl(whose, "stop", ...units)],
    after: files.length === 0 ? [] : [
      ctl(whose, "daemon-reload"),
      ...moved
        ? [ctl(whose, "stop", "gpg-agent.service", ...gnupgSockets), ctl(whose, "start", ...gnupgSockets)]
        : []
    ],
    notes: []
  }
}
