// What a person is told before he gives a passphrase for a grant: for whom, what for, until when, with which keys. All lines are
// harmless. Pure: nothing here talks to anybody.
import type { Operation } from "@gripgate/protocol/operation"
import type { PlannedKey } from "../grant/issue.ts"
import { purposeOf } from "./purpose.ts"
import { hanging, keyOf, nameOf } from "./subject.ts"

/** What is to be granted. */
export interface GrantShown {
  readonly app: string
  readonly operations: ReadonlyArray<Operation>
  /** In words that stand behind "until": a time, or that it is revoked. */
  readonly until: string
}

/** Keys that are named. */
const MAX_KEYS = 3

/** The keys, and how many more there are. */
export const plannedKeyLines = (keys: ReadonlyArray<PlannedKey>, most = MAX_KEYS): ReadonlyArray<string> => [
  ...keys.slice(0, most).flatMap(({ info }) => hanging(keyOf(info))),
  ...keys.length > most ? [`and ${keys.length - most} more keys`] : []
]

/** What the grant is; the keys whose passphrase is asked for are named beside it. */
export const grantLines = ({ app, operations, until }: GrantShown): ReadonlyArray<string> => [
  ...hanging(
    `gripgate: a token for the app ${nameOf(app)}, which may ${purposeOf("", operations, operations)} with it`
  ),
  ...hanging(`Until: ${until}`),
  "The app does not learn the passphrase."
]
