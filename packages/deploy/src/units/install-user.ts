// What `gripgate install --user` is to make: it asks GnuPG where its sockets are and whether it brings units of its own, and says what whoever
// decides should know.
import { GpgconfError } from "@gripgate/proxy/upstream/gpgconf"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { findOwnAgent, type OwnAgent } from "../agent-program.ts"
import { gnupgPlaces } from "../gnupg-places.ts"
import type { InstallWish } from "./plan.ts"
import type { Programs } from "./service.ts"
import { type AgentPlaces, placesAt, standardPlaces, userUnits } from "./user-units.ts"
import type { UnitFolders } from "./written.ts"

export interface UserInstall {
  readonly programs: Programs
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory where the environment names none. */
  readonly home: string
  /** Files are written below it, for an image of a system, and are for all its users. */
  readonly root: string | undefined
  readonly homedir: string | undefined
  readonly standIn: boolean
}

/** It cannot be installed like this. */
export class InstallError extends Data.TaggedError("InstallError")<{
  readonly message: string
  readonly hint?: string | undefined
}> {}

const absolute = (path: string | undefined): string | undefined => path?.startsWith("/") === true ? path : undefined

/** systemd.unit(5), unit search path of the user manager. */
export const userFolders = ({ env, home, root }: Pick<UserInstall, "env" | "home" | "root">): UnitFolders => {
  const config = absolute(env["XDG_CONFIG_HOME"]) ?? join(absolute(env["HOME"]) ?? home, ".config")
  return { units: root === undefined ? join(config, "systemd/user") : join(root, "etc/systemd/user"), others: [] }
}

/** Where packages and administrators put units of users. */
const UNIT_FOLDERS = ["/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user"]

export const installUser = Effect.fnUntraced(function*(
  options: UserInstall
): Effect.fn.Return<InstallWish, GpgconfError | InstallError> {
  const { env, home, programs, root, standIn } = options
  const folders = userFolders(options)
  // an image of a system has no homedir yet, and that of whoever makes it is none of its users'
  const chosen = root === undefined ? absolute(env["GNUPGHOME"]) : undefined
  const named = options.homedir === undefined ? chosen : resolve(options.homedir)
  const found = root !== undefined && named === undefined ? undefined : yield* gnupgPlaces(named)
  const standard = join(absolute(env["HOME"]) ?? home, ".gnupg")
  const homedir = found === undefined || found.homedir === standard ? undefined : found.homedir
  const places = homedir === undefined ? standardPlaces : placesAt(found!)
  if (places === undefined) {
    return yield* new InstallError({
      message: `a unit file cannot hold the path of the agent's socket: ${found?.agent}`,
      hint: "move the homedir to a path without line feeds, and without a blank or a backslash at the end of a name"
    })
  }
  const agent = standIn ? yield* ownAgent(homedir, root) : undefined
  const units = userUnits({
    programs,
    folder: folders.units,
    homedir,
    standIn: standIn ? { places, ...agent !== undefined && { agent } } : undefined
  })
  return { whose: "user", folders, files: units, start: true, notes: notesOf(options, places, found?.agent) }
})

/** GnuPG's own units are moved where it has some; they are for the standard homedir alone. */
const ownAgent = Effect.fnUntraced(function*(
  homedir: string | undefined,
  root: string | undefined
): Effect.fn.Return<OwnAgent | undefined, GpgconfError | InstallError> {
  const hasUnits = root !== undefined || UNIT_FOLDERS.some((folder) => existsSync(join(folder, "gpg-agent.socket")))
  if (homedir === undefined && hasUnits) return undefined
  const found = yield* findOwnAgent
  if (found !== undefined) return found
  return yield* new InstallError({
    message: "gpgconf does not say which program gpg-agent is",
    hint: "install GnuPG (Debian: apt-get install gpgconf gpg-agent)"
  })
})

const notesOf = (
  { env, standIn }: UserInstall,
  places: AgentPlaces,
  agent: string | undefined
): ReadonlyArray<string> => {
  if (!standIn) {
    return ["programs are gated once they use $XDG_RUNTIME_DIR/gripgate/S.gpg-agent, or all of them with --stand-in"]
  }
  const expected = places.agent.replace("%t", env["XDG_RUNTIME_DIR"] ?? "$XDG_RUNTIME_DIR")
  const elsewhere = agent !== undefined && places === standardPlaces && agent !== expected
  return [
    "an agent that runs loses its sockets, and with it what it has cached",
    "the agent's socket for ssh stays where it is, and is not gated",
    ...elsewhere ? [`gpg looks for its agent at ${agent}, and not at ${expected}: programs there are not gated`] : []
  ]
}
