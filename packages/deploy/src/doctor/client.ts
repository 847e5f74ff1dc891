// The client's side: would gpg, run by this user in this environment, reach the gate, as which app, and with which keys?
import { readKeyring } from "@gripgate/proxy/keys/keyring"
import { LogService } from "@gripgate/proxy/log"
import { followRedirects } from "@gripgate/proxy/upstream/redirect"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { command, type Finding, finding } from "./finding.ts"
import { type Answerer, type Gate, whoAnswers } from "./look/answerer.ts"
import { belongsTo } from "./look/files.ts"
import type { Scene } from "./scene.ts"

/** Keygrips that the gate is asked about at most. */
const MOST = 100

/** Names that are listed. */
const SHOWN = 5

interface Key {
  readonly keygrip: string
  readonly name: string
}

/** What to say of the keys that exist for this client. */
export const judgeKeys = ({ keys }: Gate, asked: ReadonlyArray<Key>): Finding => {
  if (asked.length === 0) {
    return finding(
      "client.no-keys",
      "the public keyring is empty, or cannot be read: which keys exist for this app is not known"
    )
  }
  const seen = [...new Set(asked.filter(({ keygrip }) => keys.includes(keygrip)).map(({ name }) => name))]
  if (seen.length === 0) {
    return finding(
      "client.no-keys",
      "no key of the public keyring exists for this app: every use ends with \"No secret key\""
    )
  }
  const more = seen.length > SHOWN ? ` and ${seen.length - SHOWN} more` : ""
  return finding("client.keys", `it sees the keys of ${seen.slice(0, SHOWN).join(", ")}${more}`)
}

/** What to say of who answers where gpg would connect. */
export const judgeClient = (app: string, socket: string, answerer: Answerer): Finding => {
  const about = { where: socket, fix: `eval "$(${command("gripgate", "env", app)})"` }
  switch (answerer.kind) {
    case "gate": {
      const { app: its, recognised } = answerer
      if (its === app) {
        return finding("client.reaches", `gpg reaches the gate, as the app ${app} (by ${recognised ?? "?"})`, {
          where: socket
        })
      }
      return finding(
        "client.other",
        `gpg reaches the gate as ${its === undefined ? "no app" : `the app ${its}`}, not as ${app}`,
        about
      )
    }
    case "agent":
      return finding("client.no-gate", "gpg reaches an agent itself, and no gate", about)
    case "denied":
      return finding(
        "client.no-gate",
        "gpg may not connect to the socket: its mode or its folder keeps this user out",
        { where: socket }
      )
    case "activated":
      return finding("client.reaches", `${answerer.by} listens there, and starts what is behind it`, { where: socket })
    case "silent":
      return finding("client.no-gate", "gpg finds somebody who takes connections and says nothing", { where: socket })
    default:
      return finding("client.no-gate", "gpg finds no gate", about)
  }
}

const keysOf = (homedir: string): Effect.Effect<ReadonlyArray<Key>> =>
  Effect.map(
    Effect.provideService(readKeyring(homedir), LogService, { level: 3, write: () => {} }),
    (certificates = []) =>
      certificates.flatMap(({ keys, userIds }) =>
        keys.map(({ keygrip, keyId }) => ({ keygrip, name: userIds[0]?.text ?? keyId }))
      )
        .slice(0, MOST)
  )

export const client = Effect.fnUntraced(function*({ here, order }: Scene): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { app } = order
  if (app === undefined) return []
  if (Result.isFailure(here)) {
    return [finding("client.no-gate", `it cannot be told where gpg would look: ${here.failure}`)]
  }
  const socket = followRedirects(here.success.agent, order.env)
  if (Result.isFailure(socket)) return [finding("client.no-gate", socket.failure, { where: here.success.agent })]
  const { homedir } = here.success
  const keys = belongsTo(homedir, order.uid) ? yield* keysOf(homedir) : []
  const answerer = yield* whoAnswers(socket.success, keys.map(({ keygrip }) => keygrip))
  const found = judgeClient(app, socket.success, answerer)
  return found.id === "client.reaches" && answerer.kind === "gate" ? [found, judgeKeys(answerer, keys)] : [found]
})
