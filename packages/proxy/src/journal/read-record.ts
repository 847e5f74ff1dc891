// A record of the journal from its line, for whoever shows it. The line may be anybody's: what is not of the right kind is
// left out, and what is there is not harmless to show.
import { type JournalOp, journalOps, type JournalRecord } from "./record.ts"

/** A record with what every line has. */
export interface ReadRecord extends JournalRecord {
  readonly n: number
  /** RFC 3339. */
  readonly at: string
  /** Everything that the line has, as it stands. */
  readonly all: { readonly [name: string]: unknown }
}

type Kind = "text" | "number" | "texts"

const kinds: Readonly<Record<Exclude<keyof JournalRecord, "op" | "app">, Kind>> = {
  use: "text",
  session: "number",
  pid: "number",
  uid: "number",
  program: "text",
  via: "text",
  remote: "text",
  qube: "text",
  recognised: "text",
  operations: "texts",
  keys: "texts",
  command: "text",
  verdict: "text",
  by: "text",
  grants: "texts",
  result: "text",
  error: "number",
  reason: "text",
  question: "text",
  answer: "text",
  through: "text",
  byUid: "number",
  milliseconds: "number",
  grant: "text",
  grantsAt: "number",
  times: "number",
  since: "text",
  version: "text",
  file: "text"
}

/** The fields of a record but `op`, by what they are. */
export const recordFields: ReadonlyArray<string> = ["app", ...Object.keys(kinds)]

const known: ReadonlySet<string> = new Set(journalOps)

const is: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  texts: (value) => Array.isArray(value) && value.every((each) => typeof each === "string")
}

/** `"begin"` for the first line of a file behind others; `undefined` for what is no line of a journal. */
export const readRecord = (text: string): ReadRecord | "begin" | undefined => {
  let all: unknown
  try {
    all = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof all !== "object" || all === null || Array.isArray(all)) return undefined
  const { app, at, begin, n, op } = all as Record<string, unknown>
  if (typeof n !== "number" || typeof at !== "string" || Number.isNaN(Date.parse(at))) return undefined
  if (begin !== undefined) return "begin"
  if (typeof op !== "string" || !known.has(op)) return undefined
  const fields: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(kinds)) {
    const value = (all as Record<string, unknown>)[name]
    if (value !== undefined && is[kind](value)) fields[name] = value
  }
  if (app === null || typeof app === "string") fields["app"] = app
  return { ...fields, n, at, op: op as JournalOp, all: all as ReadRecord["all"] }
}
