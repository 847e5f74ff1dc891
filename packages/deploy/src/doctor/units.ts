// systemd's units, as their files say: whether gripgate's name programs that are there, and whether GnuPG's own listen where a gate
// stands in. Files only: what a manager has loaded cannot be told from them.
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { command, type Finding, finding } from "./finding.ts"
import { look, namesIn, readText } from "./look/files.ts"
import type { Scene } from "./scene.ts"

export interface UnitFile {
  readonly file: string
  readonly text: string
}

/** The folders of units, those that go before first (systemd.unit(5)). */
const foldersFor = (kind: "user" | "system", { env, home }: Scene["order"]): ReadonlyArray<string> => {
  const config = env["XDG_CONFIG_HOME"]
  const own = join(config !== undefined && isAbsolute(config) ? config : join(home, ".config"), "systemd", "user")
  const shared = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"]
  const all = [...kind === "user" ? [own] : [], ...shared.map((folder) => join(folder, kind))]
  // /lib is a link to /usr/lib on most systems
  return all.filter((folder, index) => !all.slice(0, index).some((before) => isSamePlace(before, folder)))
}

/** The words of a command of a unit that are absolute paths, as systemd quotes them (systemd.service(5)); with `%` they are not known. */
export const programsIn = (text: string): ReadonlyArray<string> =>
  text.replace(/\\\n/g, " ").split("\n").flatMap((line) => {
    const [, rest] = /^\s*Exec(?:Start|Reload)(?:Pre|Post)?\s*=\s*[-@:+!]*(.*)$/.exec(line) ?? []
    const words = rest?.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+/g) ?? []
    // the program and its script: what follows are sockets and folders that need not be there
    return words.slice(0, 2).map((word) => word.replace(/^(["'])(.*)\1$/, "$2").replaceAll("%%", "\0")).filter((word) =>
      word.startsWith("/") && !word.includes("%")
    ).map((word) => word.replaceAll("\0", "%"))
  })

/** What to say of gripgate's own units. */
export const judgeOwn = (
  units: ReadonlyArray<UnitFile>,
  isThere: (path: string) => boolean,
  install: (file: string) => string
): ReadonlyArray<Finding> =>
  units.flatMap(({ file, text }) =>
    [...new Set(programsIn(text))].filter((path) => !isThere(path)).map((path) =>
      finding("units.gone", `the unit runs ${path}, and that is not there`, { where: file, fix: install(file) })
    )
  )

/** GnuPG's socket unit as it would be loaded. */
export interface SocketUnit {
  readonly enabled: string | undefined
  readonly masked: boolean
  /** Its drop-ins. */
  readonly dropIns: ReadonlyArray<UnitFile>
}

/** Whether GnuPG's unit would listen where the gate stands in. */
export const judgeConflict = ({ dropIns, enabled, masked }: SocketUnit, standsIn: boolean): ReadonlyArray<Finding> => {
  const moved = dropIns.some(({ text }) => /^\s*ListenStream\s*=\s*$/m.test(text))
  if (!standsIn || enabled === undefined || masked || moved) return []
  const message =
    "GnuPG's gpg-agent.socket is enabled and listens where the gate stands in: after the next login it has the place"
  return [finding("units.conflict", message, { where: enabled, fix: "gripgate install --user --stand-in" })]
}

const readUnits = (files: ReadonlyArray<string>): ReadonlyArray<UnitFile> =>
  files.flatMap((file) => {
    const read = readText(file)
    return "problem" in read ? [] : [{ file, text: read.text }]
  })

const filesIn = (folder: string, isMeant: (name: string) => boolean): ReadonlyArray<string> =>
  (namesIn(folder) ?? []).filter(isMeant).map((name) => join(folder, name))

const gnupgSocket = (folders: ReadonlyArray<string>): SocketUnit => {
  const enabled = folders.map((folder) => join(folder, "sockets.target.wants", "gpg-agent.socket")).find((file) =>
    existsSync(file)
  )
  const first = folders.map((folder) => join(folder, "gpg-agent.socket")).find((file) => look(file) !== undefined)
  // a unit that is masked is a link to /dev/null
  const masked = first !== undefined && look(first)?.kind === "other"
  const dropIns = folders.flatMap((folder) =>
    filesIn(join(folder, "gpg-agent.socket.d"), (name) => name.endsWith(".conf"))
  )
  return { enabled, masked, dropIns: readUnits(dropIns) }
}

/** The place of GnuPG's own socket unit: `%t/gnupg/S.gpg-agent`. */
const ofUnit = ({ order, owner }: Scene): boolean => {
  const runtime = order.env["XDG_RUNTIME_DIR"]
  return runtime !== undefined && Result.isSuccess(owner)
    && owner.success.agent === join(runtime, "gnupg", "S.gpg-agent")
}

export const units = (scene: Scene): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.sync(() => {
    const isOwn = (name: string) => /^gripgate[\w@.-]*\.(?:service|socket)$/.test(name)
    const folders = { user: foldersFor("user", scene.order), system: foldersFor("system", scene.order) }
    const own = (kind: "user" | "system") => readUnits(folders[kind].flatMap((folder) => filesIn(folder, isOwn)))
    const mend = (kind: "user" | "system") => () => command("gripgate", "install", `--${kind}`)!
    const isThere = (path: string) => look(path) !== undefined
    const standsIn = Result.isSuccess(scene.agent) && scene.agent.success.answerer.kind === "gate" && ofUnit(scene)
    const found = [
      ...judgeOwn(own("user"), isThere, mend("user")),
      ...judgeOwn(own("system"), isThere, mend("system")),
      ...judgeConflict(gnupgSocket(folders.user), standsIn)
    ]
    return found.length > 0 ? found : [finding("units.fine", "no unit is in the way")]
  })
