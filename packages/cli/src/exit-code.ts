// The exit codes of every verb, one list for all of them (BSD sysexits.h where it has the meaning).

export const exitCode = {
  ok: 0,
  /** Refused, or it did not work. */
  failed: 1,
  /** The command line is wrong. */
  usage: 64,
  /** There is no gate, or no agent, to talk to. */
  unavailable: 69,
  /** A bug of gripgate. */
  bug: 70,
  /** The system does not permit it. */
  notPermitted: 77,
  /** The policy cannot be used. */
  badPolicy: 78
} as const

/** What `check` answers, besides 0 for `allow`. */
export const verdictCode = { allow: 0, forbid: 10, ask: 11, token: 12 } as const
