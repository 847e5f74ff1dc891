// What stands in the journal: one record for each thing that was decided, done or refused. Whatever comes from elsewhere is
// made harmless and cut, so that no record is long, whoever wants it to be. Never data. Pure.
import type { Transport } from "@gripgate/policy/client/facts"
import type { Identity } from "@gripgate/policy/client/identify"
import { harmless } from "@gripgate/policy/harmless"
import { type Entry, formatPlace } from "@gripgate/policy/policy"
import type { Verdict } from "@gripgate/policy/verdict"
import { describeEnded, type Ended } from "../approve/question.ts"
import type { By } from "../approve/question.ts"
import type { Use } from "../authority/authority.ts"
import type { StepAbout } from "../grant/step.ts"
import type { Facts } from "../listen/facts.ts"

/** What a record is about. */
export const journalOps = [
  "started",
  "stopped",
  "policy",
  "allowed",
  "outcome",
  "refused",
  "rejected",
  "violation",
  "unanswered",
  "bug",
  "asked",
  "answered",
  "granted",
  "revoked",
  "renewed",
  "rotated",
  "stale",
  "returned",
  "grantsAnew",
  "grantsFound"
] as const

export type JournalOp = typeof journalOps[number]

/** What came of a use. */
export type Result = "done" | "failed" | "refused" | "lost"

/** The fields of a record, beside those that every line of a ledger has. Which ones there are depends on `op`. */
export interface JournalRecord {
  readonly op: JournalOp
  /** Names a use that was permitted; its outcome has the same. */
  readonly use?: string
  /** `null` for whoever is no app. */
  readonly app?: string | null
  readonly session?: number
  readonly pid?: number
  readonly uid?: number
  readonly program?: string
  /** What brought the client here, where it is elsewhere, and where that is as the transport says. */
  readonly via?: Transport
  readonly remote?: string
  readonly qube?: string
  /** How the app was recognised. */
  readonly recognised?: "socket" | "kernel" | "transport" | "advisory" | "anyone" | "nobody"
  readonly operations?: ReadonlyArray<string>
  /** Keygrips. */
  readonly keys?: ReadonlyArray<string>
  readonly command?: string
  readonly verdict?: Verdict
  /** The entry of the policy that decided, with its place. */
  readonly by?: string
  /** Grants that satisfied it. */
  readonly grants?: ReadonlyArray<string>
  readonly result?: Result
  /** The number of an ERR, of the gate or of the agent. */
  readonly error?: number
  readonly reason?: string
  /** The question. */
  readonly question?: string
  readonly answer?: string
  /** Through what somebody answered, or did something to a grant, and which user. */
  readonly through?: string
  readonly byUid?: number
  readonly milliseconds?: number
  readonly grant?: string
  /** The record of the grants' ledger that this belongs to. */
  readonly grantsAt?: number
  /** This record stands for so many, and has the fields that are the same in all of them. */
  readonly times?: number
  /** When the first of those was, RFC 3339. */
  readonly since?: string
  readonly version?: string
  readonly file?: string | null
}

/** Most characters of texts, and most entries of a list. */
const [PROGRAM, COMMAND, TEXT, NAME, LIST] = [256, 64, 512, 128, 64]

/** One harmless text of at most so many characters. */
const short = (text: string, most: number): string => {
  const safe = harmless(text.slice(0, most))
  return safe.length <= most && text.length <= most ? safe : `${safe.slice(0, most - 3)}...`.toWellFormed()
}

const list = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  texts.slice(0, LIST).map((text) => short(text, NAME))

/** How an entry of the policy reads, with the place where it stands. */
export const entryText = (entry: Entry): string =>
  entry.place === undefined ? entry.text : `${entry.text} (${formatPlace(entry.place)})`

type Fields = Omit<JournalRecord, "op">

/** Who it is. */
export const clientFields = (app: string | undefined, facts: Facts): Fields => {
  const { exe, pid, program = exe, qube, remote, session, uid, via } = facts
  return {
    app: app === undefined ? null : short(app, NAME),
    session,
    ...pid !== undefined && { pid },
    ...uid !== undefined && { uid },
    ...program !== undefined && { program: short(program, PROGRAM) },
    ...via !== undefined && { via },
    ...remote !== undefined && { remote: short(remote, NAME) },
    ...qube !== undefined && { qube: short(qube, NAME) }
  }
}

const recognisedBy = (identity: Identity): NonNullable<JournalRecord["recognised"]> =>
  identity.kind === "app" ? identity.rank : identity.kind

/** Who wants what. */
export const useFields = (use: Use): Fields => ({
  ...clientFields(use.app, use.facts),
  recognised: recognisedBy(use.identity),
  operations: list(use.operations),
  keys: list(use.keygrips),
  command: short(use.command, COMMAND)
})

/** What decided. */
export const entryFields = (entry: Entry | undefined): Fields =>
  entry === undefined ? {} : { verdict: entry.verdict, by: short(entryText(entry), TEXT) }

/** What was sent and why it was not answered as it might have been; the command may be a word of the client's. */
export const commandFields = (command: string | undefined, reason: string): Fields => ({
  ...command !== undefined && { command: short(command, COMMAND) },
  reason: short(reason, TEXT)
})

export const reasonFields = (reason: string): Fields => ({ reason: short(reason, TEXT) })

/** What became of a use. An error of the agent is told with its number first. */
export const outcomeFields = (use: string, result: Result, detail: string | undefined, grantsAt?: number): Fields => {
  const [, error, text] = /^(?:(\d{1,10})(?: |$))?(.*)$/s.exec(detail ?? "") ?? []
  return {
    use,
    result,
    ...error !== undefined && { error: Number(error) },
    ...text !== undefined && text !== "" && { reason: short(text, TEXT) },
    ...grantsAt !== undefined && { grantsAt }
  }
}

export const byFields = ({ through, uid }: By): Fields => ({
  through: short(through, NAME),
  ...uid !== undefined && { byUid: uid }
})

export const answerFields = (question: string, ended: Ended, milliseconds: number): Fields => ({
  question,
  answer: ended.kind,
  ...ended.kind === "yes" || ended.kind === "no"
    ? { ...byFields(ended.by), ...ended.grant !== undefined && { grant: short(ended.grant, NAME) } }
    : reasonFields(describeEnded(ended)),
  milliseconds
})

export const stepFields = (grant: StepAbout, by: By, grantsAt: number | undefined): Fields => ({
  grant: short(grant.id, NAME),
  app: grant.app === null ? null : short(grant.app, NAME),
  keys: list(grant.keys),
  operations: list(grant.operations),
  ...byFields(by),
  ...grantsAt !== undefined && { grantsAt }
})

/** The fields that two records of a kind have in common. */
export const inCommon = (one: JournalRecord, other: JournalRecord): JournalRecord => {
  const others = new Map<string, unknown>(Object.entries(other))
  const same = Object.entries(one).filter(([name, value]) =>
    value === others.get(name) || JSON.stringify(value) === JSON.stringify(others.get(name))
  )
  return { ...Object.fromEntries(same), op: one.op }
}
