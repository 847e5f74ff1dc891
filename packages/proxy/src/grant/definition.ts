// What an app is by the policy, in one word: a grant is for the app that the owner saw, and not for another that has its name.
import type { App, Policy } from "@gripgate/policy/policy"
import { createHash } from "node:crypto"

const known = new WeakMap<App, string>()

/** Changes whenever `match` or the socket of the app does; `undefined` for an app that the policy does not have. */
export const definitionOf = (policy: Policy, name: string): string | undefined => {
  const app = policy.apps.get(name)
  if (app === undefined) return undefined
  const there = known.get(app)
  if (there !== undefined) return there
  const conditions = app.match?.conditions.map(({ fact, numbers, values }) =>
    // a user is his number, however he is written
    [fact, ...(numbers ?? values).map(String).toSorted()].join("\0")
  )
  const socket = app.socket === undefined ? null : [app.socket.name, app.socket.mode, app.socket.group ?? null]
  const text = JSON.stringify([conditions?.toSorted() ?? null, socket])
  const definition = createHash("sha256").update(text).digest("hex").slice(0, 32)
  known.set(app, definition)
  return definition
}
