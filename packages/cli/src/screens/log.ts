// One line of the journal for people. The columns have one width each, for the lines come one after the other.
import { viaText } from "@gripgate/policy/client/describe"
import type { ReadRecord } from "@gripgate/proxy/journal/read-record"
import { fit, type Line, padded, type View, word } from "./line.ts"
import { NO_APP } from "./question.ts"
import { dateTime, span } from "./time.ts"

/** A record, and what came of it where it is a use and that is known. */
export interface Joined {
  readonly record: ReadRecord
  readonly outcome?: ReadRecord
  /** The use was told before without its outcome. */
  readonly late?: true
}

type Cells = readonly [
  time: string,
  app: string,
  what: string,
  key: string,
  verdict: string,
  result: string,
  why: string
]

const WIDTHS = [19, 14, 12, 16, 7, 8] as const
const GAP = "  "

const text = (cells: Cells, { columns }: View): string => {
  const head = WIDTHS.map((width, i) => padded(fit(cells[i]!, width), width))
  return fit([...head, cells[6]].join(GAP).trimEnd(), columns)
}

/** What stands above the columns. */
export const logTitle = (view: View): Line => ({
  text: text(["TIME", "APP", "WHAT", "KEY", "VERDICT", "RESULT", "WHY"], view),
  face: "bold"
})

/** Not known yet, or never told: whoever was on it has ended. */
const UNKNOWN = "..."

const dash = (value: string | undefined): string => value === undefined || value === "" ? "-" : word(value)

/** One record, with its outcome. `keyId` gives the name of a key where the keyring has one. */
export const logLine = (joined: Joined, keyId: (keygrip: string) => string | undefined, view: View): Line => {
  const { record } = joined
  const [first, ...more] = record.keys ?? []
  const key = first === undefined ? "-" : word(keyId(first) ?? `&${first.slice(0, 13)}`, 16)
  const keys = more.length === 0 ? key : `${fit(key, 13)} +${more.length}`
  const result = resultOf(joined)
  const line = text([
    dateTime((joined.late === true ? joined.outcome ?? record : record).at, view),
    appOf(joined),
    whatOf(joined),
    keys,
    dash(record.verdict),
    word(result),
    why(joined)
  ], view)
  if (result === UNKNOWN) return { text: line, face: "dim" }
  return bad.has(record.op) ? { text: line, face: "bold" } : { text: line }
}

const bad: ReadonlySet<string> = new Set(["refused", "rejected", "violation", "unanswered", "bug", "stale"])

const appOf = ({ record: { app } }: Joined): string => app === null ? NO_APP : dash(app)

const whatOf = ({ record: { command, operations } }: Joined): string => dash(operations?.join(",") || command)

const resultOf = ({ outcome, record }: Joined): string => {
  switch (record.op) {
    case "allowed":
      return outcome?.result ?? UNKNOWN
    case "outcome":
      return record.result ?? UNKNOWN
    case "rejected":
      return "refused"
    case "violation":
      return "closed"
    case "unanswered":
      return "lost"
    case "answered":
      return record.answer ?? UNKNOWN
    default:
      return record.op
  }
}

/** Everything else that is known, the most telling first. */
const why = ({ late, outcome, record }: Joined): string => {
  const {
    by,
    byUid,
    command,
    error,
    file,
    grant,
    grants,
    milliseconds,
    question,
    reason,
    through,
    times,
    use,
    version
  } = record
  const parts = [
    times !== undefined ? `${times} times` : undefined,
    record.op === "outcome" ? `of use ${use}` : late === true ? "the outcome of an earlier line" : undefined,
    errorText(outcome?.error, outcome?.reason),
    errorText(record.op === "outcome" ? error : undefined, reason),
    question === undefined ? undefined : `question ${question}`,
    grant === undefined ? undefined : `grant ${grant}`,
    grants === undefined ? undefined : `grant ${grants.join(", ")}`,
    through === undefined ? undefined : `by ${through}${byUid === undefined ? "" : ` (user ${byUid})`}`,
    milliseconds === undefined ? undefined : `after ${span(milliseconds)}`,
    // a refusal's reason has its entry in it
    by === undefined || reason?.includes(by) === true ? undefined : by,
    record.operations === undefined || command === undefined ? undefined : command,
    record.program,
    record.via === undefined ? undefined : viaText(record),
    version === undefined ? undefined : `version ${version}`,
    record.op === "policy" ? file ?? "built in" : undefined
  ]
  return parts.flatMap((part) => part === undefined ? [] : word(part)).join("; ")
}

const errorText = (error: number | undefined, reason: string | undefined): string | undefined =>
  error === undefined ? reason : `${reason ?? "error"} (${error})`
