// A policy as data, after it was read or built in: who may see which keys, and what becomes of each operation.
// Nothing here decides; maps and sets are ready for looking up, so that a decision need not compile anything.
import type { Keygrip } from "@gripgate/protocol/keygrip"
import type { Operation } from "@gripgate/protocol/operation"
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
}

/** The entry for whatever nothing names. `token` is not among its verdicts: a token belongs to one app. */
export interface Default extends Entry {
  readonly verdict: "allow" | "ask" | "forbid"
}

/** The keys that exist for a client. */
export type Keys = "all" | ReadonlySet<Keygrip>

/** `[apps.NAME]`, or `[anyone]` under the name `anyone`. `socket` is as written: a bare name, or an absolute path. */
export interface App {
  readonly name: string
  readonly place?: Place
  readonly socket?: string
  readonly keys: Keys
  /** Where `keys` is written; absent where the keys follow from `default`. */
  readonly keysPlace?: Place
  readonly operations: ReadonlyMap<Operation, Entry>
}

/** A whole policy. `file` is `undefined` for a built-in one, `anyone` where there is no such table. */
export interface Policy {
  readonly file: string | undefined
  readonly default: Default
  readonly operations: ReadonlyMap<Operation, Entry>
  readonly apps: ReadonlyMap<string, App>
  readonly anyone: App | undefined
}

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
