// `limit = "60/hour"`: how often, as it is written.
import * as Result from "effect/Result"
import { formatDuration, parseDuration, unitOf } from "../duration.ts"
import type { Rate } from "../rate.ts"
import { quote, type Wrong } from "./problem.ts"

/** Largest count of a rate. */
export const MAX_COUNT = 1_000_000

const FORMS = "a rate is a whole number, a slash and a time: \"60/hour\", \"5/minute\" or \"10/15m\""

/** Reads a rate: a count from 1 to 1,000,000, a slash, and a unit of time or a duration. */
export const parseRate = (text: string): Result.Result<Rate, Wrong> => {
  const parts = /^(0|[1-9]\d*)\/([\da-z].*)$/is.exec(text)
  if (parts === null) return Result.fail({ message: `expected a rate, got ${quote(text)}`, hint: FORMS })
  const count = Number(parts[1])
  if (count < 1 || count > MAX_COUNT) {
    const hint = count === 0 ? "verdict = \"forbid\" is never" : "without a limit there is none"
    return Result.fail({ message: `the count of a rate is 1 to ${MAX_COUNT}, got ${quote(text)}`, hint })
  }
  const time = parts[2]!
  return Result.map(parseDuration(/^[a-z]+$/i.test(time) ? `1 ${time}` : time), (per) => ({ count, per }))
}

/** A rate as it could be written: `60/hour`, `10/15m`. */
export const formatRate = ({ count, per }: Rate): string => `${count}/${unitOf(per) ?? formatDuration(per)}`
