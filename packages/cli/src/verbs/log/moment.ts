// `--since` and `--until`: a time, or how long ago.
import { parseDuration } from "@gripgate/policy/duration"
import * as Result from "effect/Result"

/** `2026-02-03`, and behind a blank or a T `14:32` or `14:32:10`. */
const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/

/** RFC 3339: with seconds, and with Z or an offset. */
const FULL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/**
 * Milliseconds since 1970: a duration is that long before `now`, a time without an offset is local time, and a day alone begins
 * at midnight. `undefined` for anything else.
 */
export const parseMoment = (text: string, now: number): number | undefined => {
  const duration = parseDuration(text)
  if (Result.isSuccess(duration)) return now - duration.success
  if (FULL.test(text)) {
    const at = Date.parse(text)
    return Number.isNaN(at) ? undefined : at
  }
  const parts = LOCAL.exec(text)?.slice(1).map((part) => Number(part ?? 0))
  if (parts === undefined) return undefined
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number]
  const date = new Date(year, month - 1, day, hour, minute, second)
  // JavaScript takes the 31st of February for one in March
  const same = date.getMonth() === month - 1 && date.getDate() === day && hour < 24 && minute < 60 && second < 60
  return same ? date.getTime() : undefined
}
