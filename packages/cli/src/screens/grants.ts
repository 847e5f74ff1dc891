// What `gripgate grants` prints: all grants in a table, or one with everything that is known of it.
import type { GrantedEntry, Revoked } from "@gripgate/proxy/control/message/granted"
import { labelled, type Line, many, sentence, type View, within, word } from "./line.ts"
import { NO_APP, userIdText } from "./question.ts"
import { type Column, table } from "./table.ts"
import { ago, dateTime, dayOrTime, left } from "./time.ts"

const heads = (columns: number): ReadonlyArray<Column> => [
  { title: "ID", most: 6 },
  { title: "APP", most: columns < 60 ? 11 : columns < 110 ? 16 : 32 },
  { title: "WHAT", most: columns < 60 ? 9 : columns < 110 ? 14 : 24 },
  { title: "KEY", most: 16, from: 60 },
  { title: "GOOD UNTIL", most: 10 },
  { title: "LAST USED", most: 12, from: 72 },
  { title: "USER ID", most: 80, from: 110 }
]

/** For whom it is good, in one word: an app, or the program of a session. */
const holderOf = ({ app, session }: GrantedEntry): string => app === null ? word(session?.program ?? NO_APP) : word(app)

const whatOf = ({ answer, operations }: GrantedEntry): string =>
  `${answer === "never" ? "never " : ""}${word(operations.join(","))}`

const cells = (grant: GrantedEntry, view: View): ReadonlyArray<string> => [
  word(grant.id, 6),
  holderOf(grant),
  whatOf(grant),
  word(grant.keyId ?? grant.key ?? "-", 40),
  grant.expiresAt === null ? "always" : dayOrTime(grant.expiresAt, view),
  grant.lastUsedAt === null ? "-" : ago(grant.lastUsedAt, view),
  grant.userId === null ? "" : word(grant.userId)
]

/** All of them; one without effect has a line more, that says why. */
export const grantsScreen = (grants: ReadonlyArray<GrantedEntry>, view: View): ReadonlyArray<Line> => {
  if (grants.length === 0) return within([{ text: "nothing is granted" }], view)
  const { rows, title } = table(heads(view.columns), grants.map((grant) => cells(grant, view)), view.columns)
  return within([
    { text: title, face: "bold" },
    ...grants.flatMap((grant, index): ReadonlyArray<Line> => [
      { text: rows[index]! },
      ...grant.effective
        ? []
        : labelled("", `without effect: ${word(grant.reason ?? "")}`, view, { indent: 6, width: 0 })
    ])
  ], view)
}

const holderText = ({ app, session }: GrantedEntry): string => {
  if (app !== null) return `the app ${word(app)}`
  if (session === null) return "a program that is no app of the policy"
  const { leaderPid, program, uid } = session
  return `the program ${word(program)} of the user ${uid}, in the session of process ${leaderPid}`
}

const keyText = ({ key, keyId, userId }: GrantedEntry): string =>
  key === null ? "none" : [
    ...keyId === null ? [] : [word(keyId, 40)],
    `keygrip ${word(key, 40)}`,
    ...userId === null ? [] : [userIdText(userId)]
  ].join(", ")

const untilText = ({ expiresAt }: GrantedEntry, view: View): string =>
  expiresAt === null ? "it is revoked" : `${dateTime(expiresAt, view)}, ${left(expiresAt, view)}`

/** One, with all of its fields. */
export const grantScreen = (grant: GrantedEntry, view: View): ReadonlyArray<Line> => {
  const { answer, effective, lastUsedAt, madeAt, madeBy, operations, reason, revokedAt, uses } = grant
  const by = `${word(madeBy.through, 40)}${madeBy.uid === null ? "" : `, user ${madeBy.uid}`}`
  const used = uses === 0
    ? "not since the start of the gate"
    : `${many(uses, "time")} since the start of the gate${lastUsedAt === null ? "" : `, last ${ago(lastUsedAt, view)}`}`
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["holder", holderText(grant)],
    ["answer", answer === "never" ? "never: it is refused, and nobody is asked" : "yes: nobody is asked"],
    ["what", word(operations.join(", "))],
    ["key", keyText(grant)],
    ["made", `${dateTime(madeAt, view)}, ${ago(madeAt, view)}, by ${by}`],
    ["until", untilText(grant, view)],
    ...revokedAt === null ? [] : [["revoked", `${dateTime(revokedAt, view)}, ${ago(revokedAt, view)}`] as const],
    ["used", used],
    ["effect", effective ? "in force" : `none: ${word(reason ?? "")}`]
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
