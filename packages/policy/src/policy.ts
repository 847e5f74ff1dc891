// A policy as data, after it was read or built in: who is which app, who may see which keys, and what becomes of each
// operation. Nothing here decides; maps and sets are ready for looking up, so that a decision need not compile anything.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
import type { Match } from "./client/match.ts"
import type { Selector } from "./keys/selector.ts"
import type { Rate } from "./rate.ts"
import type { Verdict } from "./verdict.ts"

/** A position in a file: line and column count from 1, the column in UTF-16 units as editors count it. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One statement of the policy. `text` is how it reads, `place` where it stands: absent for what is built in. */
export interface Entry {
  readonly verdict: Verdict
  readonly place?: Place
  readonly text: string
  /** How often; beyond, the answer is `Limit reached`. Each app has its own count. */
  readonly limit?: Rate
  /** How long an owner's yes is good for the same app, operation and key, in milliseconds; 0 for never. */
  readonly remember?: number
}

/** The entry for whatever nothing names. `token` is not among its verdicts: a token belongs to one app. */
export interface Default extends Entry {
  readonly verdict: "allow" | "ask" | "forbid"
}

/** The keys that exist for a client. */
export type Keys = "all" | ReadonlySet<Keygrip>

/** Entries by operation. */
export type Entries = ReadonlyMap<Operation, Entry>

/** Who may connect to a socket. */
export interface SocketAccess {
  /** Permission bits; 0o600 where the file does not say. */
  readonly mode: number
  /** A group by name or number. */
  readonly group?: string
}

/** A socket that an app owns. */
export interface OwnSocket extends SocketAccess {
  /** As written: a bare name, or an absolute path. */
  readonly name: string
  readonly place: Place
}

/** `[apps.NAME.with."SELECTOR"]`: what holds for an app together with these keys. */
export interface WithKeys {
  readonly selector: Selector
  readonly operations: Entries
}

/** `[apps.NAME]`, or `[anyone]` under the name `anyone`. */
export interface App {
  readonly name: string
  readonly place?: Place
  readonly match?: Match
  readonly socket?: OwnSocket
  /** `keys` as written. */
  readonly selectors: ReadonlyArray<Selector>
  /** The keys that the selectors stand for: before they are resolved, those that need no keyring. */
  readonly keys: Keys
  /** Where `keys` is written; absent where the keys follow from `default`. */
  readonly keysPlace?: Place
  readonly operations: Entries
  readonly with: ReadonlyArray<WithKeys>
  /** The entries of `with` by the keys that they stand for. */
  readonly byKey: ReadonlyMap<Keygrip, Entries>
}

/** A whole policy. `file` is `undefined` for a built-in one, `anyone` where there is no such table. */
export interface Policy {
  readonly file: string | undefined
  readonly default: Default
  readonly operations: Entries
  readonly apps: ReadonlyMap<string, App>
  readonly anyone: App | undefined
  /** `[limits]`: numbers by the name that the file has for them; times in milliseconds. */
  readonly limits: ReadonlyMap<LimitName, number>
  /** `[gate]`. */
  readonly gate: GateTable
  /** `[approve]`. */
  readonly approve: ApproveTable
  /** `[upstreams]`, in the order of the file. */
  readonly upstreams: ReadonlyArray<Upstream>
}

/** `[upstreams.NAME]`: an agent besides the gate's own, or in its place. It has a socket or a command. */
export interface Upstream {
  readonly name: string
  readonly place: Place
  readonly socket: string | undefined
  /** A program and its arguments, which speaks with an agent on standard input and output. */
  readonly command: ReadonlyArray<string> | undefined
  /** Takes the place of the gate's own agent: what names no key goes here. */
  readonly isDefault: boolean
}

/** `[gate]`: what a flag of `gripgate serve` says otherwise. */
export interface GateTable {
  /** The agent's socket. */
  readonly upstream?: string
  /** GnuPG's home directory. */
  readonly homedir?: string
  /** Sockets for whoever is no app, or is an app by `match`. */
  readonly sockets?: ReadonlyArray<string>
  /** Who may connect to a socket that no app owns. */
  readonly access: SocketAccess
  /** Who may answer questions and give or take back grants; the gate's own user where nobody is named. */
  readonly owners?: Owners
  /** The group that may connect to the control socket, by name or number; the gate's own user alone without. */
  readonly controlGroup?: string
  /** The agent's other sockets, where the gate stands in for its standard one; absent what the file does not say. */
  readonly others?: Partial<OtherSockets>
}

/** What becomes of a socket of the agent: its clients go through the gate, it is gone, or it stays as it is. */
export const otherFates = ["gate", "close", "leave"] as const

/** The same for the agent's ssh socket, which speaks a protocol that the gate does not. */
export const sshFates = ["close", "leave"] as const

/** The agent's sockets beside its standard one. */
export interface OtherSockets {
  readonly extra: typeof otherFates[number]
  readonly browser: typeof otherFates[number]
  readonly ssh: typeof sshFates[number]
}

/**
 * What becomes of them by a policy: restricted clients are gated, and ssh is left alone where everything is allowed, else closed,
 * since nothing of the policy would hold there.
 */
export const otherSockets = ({ default: { verdict }, gate: { others } }: Policy): OtherSockets => ({
  extra: "gate",
  browser: "gate",
  ssh: verdict === "allow" ? "leave" : "close",
  ...others
})

/** Users by name or number; `numbers` once names have been looked up. */
export interface Owners {
  readonly names: ReadonlyArray<string>
  readonly place: Place
  readonly numbers?: ReadonlyArray<number>
}

/** Whatever can put a question to the owner. */
export const approverNames = ["pinentry", "terminal", "notification"] as const

export type ApproverName = typeof approverNames[number]

/** `[approve]`. Times in milliseconds. */
export interface ApproveTable {
  readonly approvers: ReadonlyArray<ApproverName>
  /** One after the other, as they are listed, instead of all together. */
  readonly inTurn: boolean
  /** How long the owner has for an answer, from when he can see the question. */
  readonly timeout: number
  /** How long nobody is asked for an app after two questions without an answer. */
  readonly pause: number
  /** How long a yes for a while is good where the entry does not say. */
  readonly remember: number
  /** The program to ask with, where not gpg-agent's. */
  readonly pinentry?: string
}

/** How the owner is asked where the file does not say. */
export const standardApprove: ApproveTable = {
  approvers: approverNames,
  inTurn: false,
  timeout: 120_000,
  pause: 300_000,
  remember: 900_000
}

/** The words of `[limits]` that are counts. */
export const countLimits = ["sessions", "sessions-of-app"] as const
/** The words of `[limits]` that are durations. */
export const timeLimits = ["finish-line", "finish-answer", "take-reply", "greeting", "warm", "stop"] as const

export type LimitName = typeof countLimits[number] | typeof timeLimits[number]

/** The table that speaks for a client: its app's, or `[anyone]` where it is no app (`undefined`). */
export const tableOf = (policy: Policy, app: string | undefined): App | undefined =>
  app === undefined ? policy.anyone : policy.apps.get(app)

/** How the table of a client is spelled in the file. */
export const headerOf = (app: string | undefined): string => app === undefined ? "[anyone]" : `[apps.${app}]`

/** A place as compilers write it: `FILE:LINE:COLUMN`. */
export const formatPlace = (place: Place): string => `${place.file}:${place.line}:${place.column}`

/** Order of two places in one file; what has no place comes first. */
export const comparePlaces = (a: Place | undefined, b: Place | undefined): number =>
  (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)
