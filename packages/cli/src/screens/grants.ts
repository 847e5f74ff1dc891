// What `gripgate grants` prints: all grants in a table, or one with everything that is known of it.
import type { GrantedEntry, GrantedKey, Revoked } from "@gripgate/proxy/control/message/granted"
import { labelled, type Line, many, sentence, type View, within, word } from "./line.ts"
import { NO_APP, userIdText } from "./question.ts"
import { type Column, table } from "./table.ts"
import { ago, dateTime, dayOrTime, left } from "./time.ts"

const heads = (columns: number): ReadonlyArray<Column> => [
  { title: "ID", most: 6 },
  { title: "APP", most: columns < 60 ? 11 : columns < 110 ? 13 : 32 },
  { title: "WHAT", most: columns < 60 ? 12 : columns < 110 ? 16 : 32 },
  { title: "KEY", most: 18, from: 60 },
  { title: "GOOD UNTIL", most: 10 },
  { title: "LAST USED", most: 12, from: 72 },
  { title: "USER ID", most: 80, from: 110 }
]

/** For whom it is good, in one word: an app, or the program of a session. */
const holderOf = ({ app, session }: GrantedEntry): string => app === null ? word(session?.program ?? NO_APP) : word(app)

const whatOf = ({ answer, operations, token }: GrantedEntry): string =>
  `${answer === "never" ? "never " : token ? "token " : ""}${word(operations.join(","))}`

/** The first key, and how many more there are. */
const firstKey = ({ keys: [key, ...others] }: GrantedEntry): string => {
  if (key === undefined) return "-"
  const more = others.length === 0 ? "" : `+${others.length}`
  return word(key.keyId ?? key.keygrip, 40 - more.length) + more
}

const cells = (grant: GrantedEntry, view: View): ReadonlyArray<string> => [
  word(grant.id, 6),
  holderOf(grant),
  whatOf(grant),
  firstKey(grant),
  grant.expiresAt === null ? "always" : dayOrTime(grant.expiresAt, view),
  grant.lastUsedAt === null ? "-" : ago(grant.lastUsedAt, view),
  word(grant.keys[0]?.userId ?? "")
]

/** What is wrong with one, if something is. */
const problemOf = ({ effective, reason }: GrantedEntry): string | undefined => {
  if (!effective) return `without effect: ${word(reason ?? "")}`
  return reason === null ? undefined : `in force for its other keys: ${word(reason)}`
}

/** All of them; one with which something is wrong has a line more, that says what. */
export const grantsScreen = (grants: ReadonlyArray<GrantedEntry>, view: View): ReadonlyArray<Line> => {
  if (grants.length === 0) return within([{ text: "nothing is granted" }], view)
  const { rows, title } = table(heads(view.columns), grants.map((grant) => cells(grant, view)), view.columns)
  return within([
    { text: title, face: "bold" },
    ...grants.flatMap((grant, index): ReadonlyArray<Line> => {
      const problem = problemOf(grant)
      return [
        { text: rows[index]! },
        ...problem === undefined ? [] : labelled("", problem, view, { indent: 6, width: 0 })
      ]
    })
  ], view)
}

const holderText = ({ app, session }: GrantedEntry): string => {
  if (app !== null) return `the app ${word(app)}`
  if (session === null) return "a program that is no app of the policy"
  const { leaderPid, program, uid } = session
  return `the program ${word(program)} of the user ${uid}, in the session of process ${leaderPid}`
}

const seals: Readonly<Record<GrantedKey["seal"], string>> = {
  none: "no passphrase is sealed",
  sealed: "its passphrase is sealed",
  stale: "its passphrase was changed since it was sealed"
}

/** Only a token opens seals. */
const keyText = ({ keyId, keygrip, seal, userId }: GrantedKey, token: boolean): string =>
  [
    ...keyId === null ? [] : [word(keyId, 40)],
    `keygrip ${word(keygrip, 40)}`,
    ...token ? [seals[seal]] : [],
    ...userId === null ? [] : [userIdText(userId)]
  ].join(", ")

const answerText = ({ answer, token }: GrantedEntry): string =>
  answer === "never"
    ? "never: it is refused, and nobody is asked"
    : token
    ? "yes, with its token: nobody is asked"
    : "yes: nobody is asked"

const usedText = ({ lastUsedAt, uses, usesLeft }: GrantedEntry, view: View): string => {
  const since = usesLeft === null ? " since the start of the gate" : ""
  const left = usesLeft === null ? "" : `, ${usesLeft === 0 ? "no use" : many(usesLeft, "use")} left`
  if (uses === 0) return `not${usesLeft === null ? since : " yet"}${left}`
  return `${many(uses, "time")}${since}${left}${lastUsedAt === null ? "" : `, last ${ago(lastUsedAt, view)}`}`
}

const untilText = ({ expiresAt }: GrantedEntry, view: View): string =>
  expiresAt === null ? "it is revoked" : `${dateTime(expiresAt, view)}, ${left(expiresAt, view)}`

/** One, with all of its fields. */
export const grantScreen = (grant: GrantedEntry, view: View): ReadonlyArray<Line> => {
  const { effective, keys, limit, madeAt, madeBy, operations, previousUntil, reason, revokedAt, token } = grant
  const by = `${word(madeBy.through, 40)}${madeBy.uid === null ? "" : `, user ${madeBy.uid}`}`
  const force = reason === null ? "in force" : `in force for its other keys: ${word(reason)}`
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["holder", holderText(grant)],
    ["answer", answerText(grant)],
    ["what", word(operations.join(", "))],
    ...keys.length === 0
      ? [["key", "none"] as const]
      : keys.map((key, index) => [index === 0 ? keys.length === 1 ? "key" : "keys" : "", keyText(key, token)] as const),
    ["made", `${dateTime(madeAt, view)}, ${ago(madeAt, view)}, by ${by}`],
    ["until", untilText(grant, view)],
    ...limit === null ? [] : [["limit", word(limit, 40)] as const],
    ...previousUntil === null
      ? []
      : [
        [
          "previous",
          `the token before this one holds until ${dateTime(previousUntil, view)}, ${left(previousUntil, view)}`
        ] as const
      ],
    ...revokedAt === null ? [] : [["revoked", `${dateTime(revokedAt, view)}, ${ago(revokedAt, view)}`] as const],
    ["used", usedText(grant, view)],
    ["effect", effective ? force : `none: ${word(reason ?? "")}`]
  ]
  return within([
    { text: `grant ${word(grant.id, 64)}`, face: "bold" },
    ...rows.flatMap(([label, text]) => labelled(label, text, view, { indent: 2, width: 9 }))
  ], view)
}

/** What was taken back, and what stands all the same. `whose` it should be is an app, or anybody's. */
export const revokedScreen = (
  { revoked, standing }: Revoked,
  whose: string | undefined,
  view: View
): ReadonlyArray<Line> => {
  const of = whose === undefined ? "" : ` of the app ${word(whose, 64)}`
  const ids = (all: ReadonlyArray<string>) => all.map((id) => word(id, 64)).join(", ")
  return within([
    ...sentence(revoked.length === 0 ? `there is no yes${of} to take back` : `revoked: ${ids(revoked)}`, view),
    ...standing.length === 0 ? [] : sentence(
      `never stands all the same: ${ids(standing)}; to take one back: gripgate revoke ${word(standing[0]!, 64)}`,
      view
    )
  ], view)
}
