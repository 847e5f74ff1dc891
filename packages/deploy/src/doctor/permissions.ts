// Who else may look into, or write to, what must be the owner's alone; and paths that are too long for a socket.
import { MAX_SOCKET_PATH } from "@gripgate/policy/file/socket"
import { GRANTS } from "@gripgate/proxy/grant/grant-store"
import { JOURNAL } from "@gripgate/proxy/journal/open-journal"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { dirname, join } from "node:path"
import { changedBy } from "./changed-by.ts"
import { command, type Finding, finding } from "./finding.ts"
import { look, namesIn, type Seen } from "./look/files.ts"
import { type Scene, usablePolicy } from "./scene.ts"

/** What to say of a thing that nobody else may use at all. */
export const judgePrivate = (path: string, seen: Seen | undefined, uid: number | undefined): ReadonlyArray<Finding> => {
  if (seen === undefined) return []
  const { kind, mode, uid: owner } = seen
  if (uid !== undefined && owner !== uid) {
    return [finding("permissions.owner", `it belongs to somebody else (uid ${owner})`, { where: path })]
  }
  if ((mode & 0o077) === 0) return []
  const right = kind === "folder" ? "0700" : "0600"
  const message = `others may use it (mode ${mode.toString(8).padStart(4, "0")}): only its owner should`
  return [finding("permissions.open", message, { where: path, fix: command("chmod", right, "--", path) })]
}

/** What to say of the folder of a socket, through which others may have to go: nobody else may write there. */
export const judgeSocketFolder = (
  path: string,
  seen: Seen | undefined,
  uid: number | undefined
): ReadonlyArray<Finding> => {
  const how = seen === undefined ? undefined : changedBy(seen, uid)
  if (how === undefined) return []
  const fix = command("chmod", "go-w", "--", path)
  return [
    finding("permissions.socket-folder", `somebody could put a socket of his own in place of the gate's: ${how}`, {
      where: path,
      fix
    })
  ]
}

export const judgeLength = (path: string): ReadonlyArray<Finding> => {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MAX_SOCKET_PATH) return []
  return [
    finding("permissions.long", `a socket's path has at most ${MAX_SOCKET_PATH} bytes, this one has ${bytes}`, {
      where: path
    })
  ]
}

/** The files of a state directory that others must not have. */
const stateFiles = (state: string): ReadonlyArray<string> =>
  (namesIn(state) ?? []).filter((name) => /\.(?:jsonl|key|head)$/.test(name) || [GRANTS, JOURNAL].includes(name))
    .map((name) => join(state, name))

export const permissions = (scene: Scene): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.sync(() => {
    const { control, order, owner, status } = scene
    const { appSocket, listenSocket, stateDir } = order.paths
    const places = Result.isFailure(owner) ? undefined : owner.success
    const homes = places === undefined ? [] : [places.homedir, join(places.homedir, "private-keys-v1.d")]
    const apps = [...usablePolicy(scene)?.apps.values() ?? []].flatMap(({ socket }) =>
      socket === undefined ? [] : [appSocket(socket.name)]
    )
    const listened = Result.isFailure(status) ? [] : status.success.listen.map(({ path }) => path)
    const sockets = [...new Set([control, listenSocket, ...apps, ...listened])]
    // where others may connect to a socket its own folder lets them through; whose it is and who writes there matters
    const folders = [
      ...new Set([...sockets, ...places === undefined ? [] : [places.agent]].map((path) => dirname(path)))
    ]
    const found = [
      ...[...homes, stateDir, ...stateFiles(stateDir)].flatMap((path) => judgePrivate(path, look(path), order.uid)),
      ...folders.filter((path) => path !== stateDir && !homes.includes(path)).flatMap((path) =>
        judgeSocketFolder(path, look(path), order.uid)
      ),
      ...[...sockets, ...places === undefined ? [] : [places.agent]].flatMap(judgeLength)
    ]
    return found.length > 0
      ? found
      : [finding("permissions.fine", "homedir, state and sockets are the owner's alone", { where: stateDir })]
  })
