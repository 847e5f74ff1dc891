// What some gate says about itself, and a control socket that says it.
import * as Effect from "effect/Effect"
import type { Status } from "../../src/control/message/status.ts"
import type { ControlProblem } from "../../src/control/problem.ts"
import type { ControlOptions, ControlVerbs } from "../../src/control/server.ts"

export const status: Status = {
  version: "0.1.0",
  pid: 4711,
  startedAt: "2026-02-03T04:05:06.789Z",
  uptimeSeconds: 60,
  upstream: { socket: "/run/user/1000/gnupg/S.gpg-agent", version: "2.2.40" },
  upstreams: [{ name: "own", where: "/run/user/1000/gnupg/S.gpg-agent", version: "2.2.40" }],
  listen: [
    { path: "/run/user/1000/gripgate/S.gpg-agent", app: null, sessions: 2 },
    { path: "/run/user/1000/gripgate/apps/git", app: "git", sessions: 0 }
  ],
  policy: { file: null, default: "allow", loadedAt: "2026-02-03T04:05:06.789Z" },
  sessions: { open: 2, served: 17, list: [] },
  questions: { open: 0, waiting: 0 },
  grants: { inForce: 0 },
  owner: { display: ":0", tty: null },
  paused: [],
  refused: 3
}

const refused: Effect.Effect<never, ControlProblem> = Effect.fail({
  fault: "refused",
  error: "not here",
  hint: "there"
})

const snapshot = {
  at: "2026-02-03T04:05:06.789Z",
  asks: [],
  decided: [],
  paused: [],
  owner: { display: null, tty: null }
}

/** A gate's verbs, of which only some do something. */
export const verbs = (more: Partial<ControlVerbs> = {}): ControlVerbs => ({
  status: () => Effect.succeed(status),
  asks: () => Effect.succeed([]),
  answer: () => refused,
  grants: () => Effect.succeed([]),
  revoke: () => refused,
  tty: () => refused,
  plan: () => refused,
  grant: () => refused,
  rotate: () => refused,
  renew: () => refused,
  watch: () => () => {},
  snapshot: () => snapshot,
  ...more
})

/** Options for a control socket that everybody may use. */
export const options = (path: string, more: Partial<ControlOptions> = {}): ControlOptions => ({
  path,
  verbs: verbs(),
  facts: () => Effect.succeed({ socket: path, chain: [], uid: 1000 }),
  denied: () => undefined,
  ...more
})
