// Client homedirs: whether each leads to its gate and nowhere else, starts no agent of its own, and has the owner's keys of today.
import type { Certificate } from "@gripgate/policy/keys/keyring"
import { readKeyring } from "@gripgate/proxy/keys/keyring"
import { secretFiles } from "@gripgate/proxy/keys/secret-keys"
import { isSamePlace } from "@gripgate/proxy/listen/same-place"
import { LogService } from "@gripgate/proxy/log"
import { followRedirects } from "@gripgate/proxy/upstream/redirect"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { dirname, isAbsolute, join } from "node:path"
import { gnupgPlaces } from "../gnupg-places.ts"
import type { Mark } from "../home/mark.ts"
import { changedBy } from "./changed-by.ts"
import { command, type Finding, finding } from "./finding.ts"
import { type Answerer, whoAnswers } from "./look/answerer.ts"
import { belongsTo, look, namesIn, optionsIn, readText } from "./look/files.ts"
import { markIn } from "./look/home-mark.ts"
import { onPath, ran } from "./look/program.ts"
import type { Scene } from "./scene.ts"

/** Where they lie as a rule: one for each app. */
export const homesFolder = ({ env, home }: Scene["order"]): string => {
  const data = env["XDG_DATA_HOME"]
  return join(data !== undefined && isAbsolute(data) ? data : join(home, ".local", "share"), "gripgate", "homes")
}

/** The files in which the programs of an installed GnuPG look for `no-autostart`: common.conf since 2.3, before that each its own. */
export const autostartFiles = (version: string | undefined, gpgsm: boolean): ReadonlyArray<string> => {
  const [major = 0, minor = 0] = (version ?? "2.2").split(".").map(Number)
  if (major > 2 || major === 2 && minor >= 3) return ["common.conf"]
  return gpgsm ? ["gpg.conf", "gpgsm.conf"] : ["gpg.conf"]
}

const refresh = ({ app }: Mark): string | undefined => command("gripgate", "home", app, "--refresh")

const autostarts = (home: string, mark: Mark, files: ReadonlyArray<string>): ReadonlyArray<Finding> =>
  files.flatMap((name) => {
    const file = join(home, name)
    const read = readText(file)
    if (!("problem" in read) && optionsIn(read.text).includes("no-autostart")) return []
    const message = "no-autostart is missing: without a gate programs start an agent of their own over its socket"
    return [finding("homes.autostart", message, { where: file, fix: refresh(mark) })]
  })

/** What to say of who answers where a homedir leads. */
export const judgeEnd = (mark: Mark, socket: string, answerer: Answerer): ReadonlyArray<Finding> => {
  const about = { where: socket }
  switch (answerer.kind) {
    case "gate":
      if (answerer.app === undefined || answerer.app === mark.app) return []
      return [
        finding("homes.elsewhere", `the homedir of ${mark.app} leads to the socket of the app ${answerer.app}`, {
          ...about,
          fix: refresh(mark)
        })
      ]
    case "denied":
    case "activated":
      return []
    case "agent":
      return [
        finding("homes.elsewhere", `the homedir of ${mark.app} leads to an agent itself, around the gate`, {
          ...about,
          fix: refresh(mark)
        })
      ]
    case "nothing":
    case "stale":
      return [
        finding("homes.dead", `the homedir of ${mark.app} leads to a socket at which nobody listens`, {
          ...about,
          fix: "gripgate serve"
        })
      ]
    default:
      return [finding("homes.elsewhere", `the homedir of ${mark.app} leads to something that is no gate`, about)]
  }
}

const redirect = Effect.fnUntraced(
  function*(home: string, agent: string, mark: Mark, scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
    const about = { where: agent, fix: refresh(mark) }
    const there = look(agent)
    if (there === undefined) {
      return [finding("homes.no-redirect", `the homedir of ${mark.app} leads nowhere: ${home} has no redirect`, about)]
    }
    const followed = followRedirects(agent, scene.order.env)
    if (Result.isFailure(followed)) return [finding("homes.no-redirect", followed.failure, about)]
    const socket = followed.success
    if (!isSamePlace(socket, mark.socket)) {
      const message = `the homedir of ${mark.app} was made for the socket ${mark.socket} and leads to ${socket}`
      return [finding("homes.elsewhere", message, about)]
    }
    return judgeEnd(mark, socket, yield* whoAnswers(socket))
  }
)

const openFolders = (paths: ReadonlyArray<string>, uid: number | undefined): ReadonlyArray<Finding> =>
  [...new Set(paths)].flatMap((path) => {
    const seen = look(path)
    const how = seen === undefined ? undefined : changedBy(seen, uid)
    if (how === undefined) return []
    return [
      finding("homes.open", `somebody could lead programs elsewhere: ${how}`, {
        where: path,
        fix: command("chmod", "go-w", "--", path)
      })
    ]
  })

/** What to say of private keys in a client's homedir; `owners` are the keygrips of the owner's. */
export const judgePrivateKeys = (
  folder: string,
  keygrips: ReadonlySet<string>,
  owners: ReadonlySet<string>
): ReadonlyArray<Finding> => {
  if (keygrips.size === 0) return []
  const shared = [...keygrips].filter((keygrip) => owners.has(keygrip))
  return shared.length > 0
    ? [
      finding(
        "homes.private-keys",
        "private keys of the owner lie in a client's homedir: it can use them without the gate",
        { where: folder }
      )
    ]
    : [
      finding(
        "homes.own-keys",
        "private keys lie in this homedir; no program uses them as long as it leads to the gate",
        { where: folder }
      )
    ]
}

const summary = ({ keys, userIds }: Certificate): string =>
  JSON.stringify([
    keys.map(({ capabilities, fingerprint }) => [fingerprint, [...capabilities].toSorted()]),
    userIds.map(({ text }) => text)
  ])

/** Whether a client has the owner's certificates as they are now, and none of his that is gone. */
export const isInStep = (
  owners: ReadonlyArray<Certificate>,
  clients: ReadonlyArray<Certificate>,
  copied: ReadonlyArray<string>
): boolean => {
  const has = new Map(clients.map((certificate) => [certificate.fingerprint, summary(certificate)]))
  const there = new Set(owners.map(({ fingerprint }) => fingerprint))
  return owners.every((certificate) => has.get(certificate.fingerprint) === summary(certificate))
    && copied.every((fingerprint) => there.has(fingerprint) || !has.has(fingerprint))
}

const keyring = (homedir: string) =>
  Effect.provideService(readKeyring(homedir), LogService, { level: 3, write: () => {} })

const outOfStep = Effect.fnUntraced(function*(
  home: string,
  mark: Mark,
  uid: number | undefined
): Effect.fn.Return<ReadonlyArray<Finding>> {
  if (mark.homedir === null || !belongsTo(mark.homedir, uid) || !belongsTo(home, uid)) return []
  const [owners, clients] = yield* Effect.all([keyring(mark.homedir), keyring(home)], { concurrency: 2 })
  if (owners === undefined || isInStep(owners, clients ?? [], mark.keys)) return []
  const message = `the public keys of ${mark.app} are not those of the owner's keyring any more`
  return [finding("homes.old-keys", message, { where: home, fix: refresh(mark) })]
})

const examine = Effect.fnUntraced(
  function*(
    home: string,
    mark: Mark,
    files: ReadonlyArray<string>,
    scene: Scene
  ): Effect.fn.Return<ReadonlyArray<Finding>> {
    const places = yield* Effect.result(gnupgPlaces(home))
    const agent = Result.isFailure(places) ? undefined : places.success.agent
    const owners = mark.homedir === null ? undefined : secretFiles(mark.homedir)
    const [led, stepped] = yield* Effect.all([
      agent === undefined ? Effect.succeed([]) : redirect(home, agent, mark, scene),
      outOfStep(home, mark, scene.order.uid)
    ], { concurrency: 2 })
    const found = [
      ...autostarts(home, mark, files),
      ...led,
      ...openFolders([home, ...agent === undefined ? [] : [dirname(agent)]], scene.order.uid),
      // whose the gate's folder is, its owner knows
      ...openFolders([dirname(mark.socket)], undefined),
      ...judgePrivateKeys(join(home, "private-keys-v1.d"), secretFiles(home) ?? new Set(), owners ?? new Set()),
      ...stepped
    ]
    return found.some(({ level }) => level === "wrong")
      ? found
      : [...found, finding("homes.good", `the homedir of ${mark.app} leads to its gate`, { where: home })]
  }
)

export const homes = Effect.fnUntraced(function*(scene: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const folder = homesFolder(scene.order)
  const here = Result.isSuccess(scene.here) ? [scene.here.success.homedir] : []
  const all = [...new Set([...(namesIn(folder) ?? []).map((name) => join(folder, name)), ...here])]
  const marked = all.flatMap((home) => {
    const mark = markIn(home)
    return mark === undefined ? [] : [{ home, mark }]
  })
  if (marked.length === 0) return [finding("homes.none", "there are no client homedirs", { where: folder })]
  const version = /\d+\.\d+/.exec((yield* ran(["gpg", "--version"]))?.output ?? "")?.[0]
  const files = autostartFiles(version, onPath("gpgsm") !== undefined)
  const found = yield* Effect.forEach(
    marked,
    ({ home, mark }): Effect.Effect<ReadonlyArray<Finding>> =>
      Result.isFailure(mark)
        ? Effect.succeed([
          finding("homes.mark", `the mark of a client homedir cannot be used: ${mark.failure}`, { where: home })
        ])
        : examine(home, mark.success, files, scene),
    { concurrency: 8 }
  )
  return found.flat()
})
