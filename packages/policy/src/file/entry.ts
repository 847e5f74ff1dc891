// One operation of a table: a verdict alone, or a table with what goes beside it.
import * as Result from "effect/Result"
import { formatDuration, parseDuration } from "../duration.ts"
import type { Entry } from "../policy.ts"
import type { Rate } from "../rate.ts"
import { isVerdict, type Verdict, verdicts } from "../verdict.ts"
import { type Problem, quote, type Wrong } from "./problem.ts"
import { formatRate, parseRate } from "./rate.ts"
import { didYouMean } from "./suggest.ts"
import type { Setting, Table } from "./tree.ts"
import { notOneOf, readParsed, readString, refuseOthers } from "./value.ts"

/** What the table of an operation can hold. */
export const entryWords = ["verdict", "remember", "limit"] as const

/** Reads `OPERATION = "VERDICT"` or `OPERATION = { verdict = "VERDICT", ... }` of the table with this header. */
export const readEntry = (setting: Setting, header: string, problems: Array<Problem>): Entry | undefined => {
  const { key, node, place } = setting
  if (node.kind === "table") return readLong(setting, node, header, problems)
  const verdict = readVerdict(setting, `${key} = "ask"`, problems)
  return verdict && { verdict, place, text: `${header} ${key} = "${verdict}"` }
}

const readVerdict = ({ node }: Setting, example: string, problems: Array<Problem>): Verdict | undefined => {
  const verdict = readString(node, problems, example)
  if (verdict === undefined || isVerdict(verdict)) return verdict
  problems.push(notOneOf(node, verdict, verdicts))
  return undefined
}

const readLong = (
  { key, place }: Setting,
  table: Table,
  header: string,
  problems: Array<Problem>
): Entry | undefined => {
  const { settings } = table
  refuseOthers(table, `${header} ${key}`, entryWords, problems)
  const verdict = settings.get("verdict")
  if (verdict === undefined) {
    const hint = `${key} = { verdict = "ask", ... }`
    problems.push({ place: table.place, message: `${header} ${key} has no verdict`, hint })
  }
  const word = verdict && readVerdict(verdict, "verdict = \"ask\"", problems)
  const remember = readRemember(settings.get("remember"), word, problems)
  const limit = readLimit(settings.get("limit"), word, problems)
  if (word === undefined) return undefined
  const beside = [
    ...(remember === undefined ? [] : [`, remember ${remember === 0 ? "never" : formatDuration(remember)}`]),
    ...(limit === undefined ? [] : [`, limit ${formatRate(limit)}`])
  ]
  return {
    verdict: word,
    place,
    text: `${header} ${key} = "${word}"${beside.join("")}`,
    ...(limit === undefined ? {} : { limit }),
    ...(remember === undefined ? {} : { remember })
  }
}

const readRemember = (
  setting: Setting | undefined,
  verdict: Verdict | undefined,
  problems: Array<Problem>
): number | undefined => {
  if (setting === undefined) return undefined
  if (verdict !== undefined && verdict !== "ask") {
    const hint = "leave it out, or let the verdict be \"ask\""
    problems.push({ place: setting.place, message: `verdict = "${verdict}" has no answer to remember`, hint })
  }
  return readParsed(setting.node, problems, "remember = \"15m\"", parseRemember)
}

const parseRemember = (text: string): Result.Result<number, Wrong> => {
  if (text === "never") return Result.succeed(0)
  if (text === "always") {
    const hint =
      "that is a grant, and the owner gives it with an answer: write a duration, such as \"15m\", or \"never\""
    return Result.fail({ message: "an answer cannot be remembered always", hint })
  }
  if (/^\d/.test(text)) return parseDuration(text)
  const hint = didYouMean(text, ["never"]) ?? "remember = \"15m\""
  return Result.fail({ message: `expected a duration or "never", got ${quote(text)}`, hint })
}

const readLimit = (
  setting: Setting | undefined,
  verdict: Verdict | undefined,
  problems: Array<Problem>
): Rate | undefined => {
  if (setting === undefined) return undefined
  if (verdict === "forbid") {
    const hint = "leave out the limit, or let the verdict be another"
    problems.push({ place: setting.place, message: "verdict = \"forbid\" leaves nothing to limit", hint })
  }
  return readParsed(setting.node, problems, "limit = \"60/hour\"", parseRate)
}
