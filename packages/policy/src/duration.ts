// Durations as people write them: `15m`, `90d`, `15 minutes`. One grammar for the policy file and for the command line.
import * as Result from "effect/Result"
import { oneOf, quote, type Wrong } from "./file/problem.ts"
import { didYouMean } from "./file/suggest.ts"

/** Longest duration, in milliseconds: ten years of 365 days. Longer is a slip, and endless has words of its own. */
export const MAX_DURATION = 3650 * 86_400_000

interface Unit {
  readonly short: string
  readonly name: string
  /** In milliseconds. */
  readonly length: number
}

/** The units, the shortest first. */
const units: ReadonlyArray<Unit> = [
  { short: "ms", name: "millisecond", length: 1 },
  { short: "s", name: "second", length: 1000 },
  { short: "m", name: "minute", length: 60_000 },
  { short: "h", name: "hour", length: 3_600_000 },
  { short: "d", name: "day", length: 86_400_000 },
  { short: "w", name: "week", length: 7 * 86_400_000 }
]

/** Every word for a unit: its letter, its English name, and the plural of that. */
export const unitWords: ReadonlyArray<string> = units.flatMap(({ name, short }) => [short, name, `${name}s`])

// Of a single letter every other one would be near.
const names = unitWords.filter((word) => word.length > 2)

const lengths: ReadonlyMap<string, number> = new Map(
  units.flatMap(({ length, name, short }) => [[short, length], [name, length], [`${name}s`, length]])
)

const FORMS = "a duration is a whole number and a unit: \"15m\", \"90d\" or \"15 minutes\""

/**
 * Reads a duration: a positive integer without leading zeros, at most one blank, and a unit (`ms`, `s`, `m`, `h`, `d`,
 * `w`, or its English name in singular or plural). The result is in milliseconds, at most `MAX_DURATION`.
 */
export const parseDuration = (text: string): Result.Result<number, Wrong> => {
  const parts = /^(0|[1-9]\d*) ?([A-Za-z]+)$/.exec(text)
  if (parts === null) return Result.fail({ message: `expected a duration, got ${quote(text)}`, hint: FORMS })
  const word = parts[2]!
  const length = lengths.get(word)
  if (length === undefined) {
    const hint = didYouMean(word, names) ?? `units are ${oneOf(units.map(({ short }) => short))}`
    return Result.fail({ message: `${quote(word)} is no unit of time`, hint })
  }
  const duration = Number(parts[1]) * length
  if (duration === 0) return Result.fail({ message: `expected a duration above zero, got ${quote(text)}`, hint: FORMS })
  if (duration > MAX_DURATION) {
    return Result.fail({ message: `a duration is at most ten years (3650d), got ${quote(text)}` })
  }
  return Result.succeed(duration)
}

/**
 * The shortest way to write a whole number of milliseconds: in the largest unit that leaves no rest. `parseDuration`
 * reads it back, but for `0s`.
 */
export const formatDuration = (milliseconds: number): string => {
  if (milliseconds === 0) return "0s"
  const { length, short } = units.findLast(({ length }) => milliseconds % length === 0) ?? units[0]!
  return `${milliseconds / length}${short}`
}

/** The English name of the unit that is this many milliseconds long, or `undefined`. */
export const unitOf = (milliseconds: number): string | undefined =>
  units.find(({ length }) => length === milliseconds)?.name
