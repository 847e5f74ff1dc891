// Every number that bounds a gate. Each is there because something without it was seen to hang or to grow.
import type { LimitName, Policy } from "@gripgate/policy/policy"

/** All times in milliseconds. */
export interface Limits {
  /** Sessions in all, and of one app; beyond, a client is greeted and then refused. */
  readonly sessions: number
  readonly sessionsOfApp: number
  /** Time for a client to finish a line that it has begun. */
  readonly finishLine: number
  /** Time for a client to answer an inquiry: a person may be typing a passphrase. */
  readonly finishAnswer: number
  /** Time for a client to take a reply that fills its socket. */
  readonly takeReply: number
  /** Time for an agent to greet: one that was told to stop and lingers never does. */
  readonly greeting: number
  /** How long an upstream connection is kept ready for nobody: an idle one keeps a stopped agent alive. */
  readonly warm: number
  /** Upstream connections that are kept ready at most. */
  readonly warmConnections: number
  /** Time that running commands get when the gate stops. */
  readonly stop: number
}

export const defaultLimits: Limits = {
  sessions: 4096,
  sessionsOfApp: 2048,
  finishLine: 30_000,
  finishAnswer: 600_000,
  takeReply: 60_000,
  greeting: 3_000,
  warm: 2_000,
  warmConnections: 8,
  stop: 10_000
}

const named: Record<LimitName, keyof Limits> = {
  sessions: "sessions",
  "sessions-of-app": "sessionsOfApp",
  "finish-line": "finishLine",
  "finish-answer": "finishAnswer",
  "take-reply": "takeReply",
  greeting: "greeting",
  warm: "warm",
  stop: "stop"
}

/** The numbers that a policy has in `[limits]`, and the standard ones beside them. */
export const limitsOf = (policy: Policy): Limits => {
  const limits: { -readonly [name in keyof Limits]: number } = { ...defaultLimits }
  for (const [name, value] of policy.limits) limits[named[name]] = value
  return limits
}
